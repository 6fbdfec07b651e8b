"""Who writes the answer: builtin, expert, hf, openai, replay.

    engine = load_engine("builtin")
    answer, = engine.examine([open_picture("photo.jpg")])

    model = load_chat_model("hf:Qwen/Qwen2.5-VL-7B-Instruct", EngineOptions(samples=4))

A chat model writes text; `load_engine` puts the reasoner over it, which asks a task's question and
reads the replies.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from groundsight.core.errors import UsageError
from groundsight.core.table import Table
from groundsight.engines.base import Answer, Engine, batch_size_of, close_engine
from groundsight.engines.options import EngineOptions

if TYPE_CHECKING:
    from groundsight.engines.chat import ChatModel
    from groundsight.engines.expert import ExpertEngine

__all__ = [
    "ENGINES",
    "Answer",
    "Engine",
    "EngineOptions",
    "asks_model",
    "batch_size_of",
    "close_engine",
    "load_chat_model",
    "load_engine",
]

# Kind of engine → factory. `builtin` takes what follows the colon ("" when nothing does) and gives
# an Engine, and so does `expert` with the options; the others give a ChatModel. A factory from
# outside may do either.
ENGINES: Table[Callable[..., Any]] = Table(
    "engine",
    {
        "builtin": "groundsight.engines.builtin.engine:make_builtin",
        "expert": "groundsight.engines.expert:make_expert",
        "hf": "groundsight.engines.hf.chat:make_hf",
        "openai": "groundsight.engines.openai.make:make_openai",
        "replay": "groundsight.engines.replay:make_replay",
    },
)
CHAT_KINDS = frozenset({"hf", "openai", "replay"})
_LOCAL = frozenset({"adapter", "dtype", "device"})
_ANY = frozenset({"experts"})
_REMOTE = frozenset({"timeout_s", "retries", "structured", "price_in", "price_out"})
# Settings that a kind has no use for: given all the same, they are a mistake worth a word.
_REFUSES = {
    "builtin": frozenset(EngineOptions.model_fields) - _ANY,
    "expert": frozenset(EngineOptions.model_fields) - _ANY - {"device", "batch_size"},
    "hf": _REMOTE,
    "openai": _LOCAL,
    "replay": _LOCAL | _REMOTE,
}


def load_engine(spec: str, options: EngineOptions | None = None) -> Engine:
    """Make the engine that a `--engine` value names.

    Args:
        spec: "builtin", "KIND:ARGUMENT", or a factory of your own by import path,
            "my_package.my_module:make_engine" or "my_package.my_module:make_engine:ARGUMENT". It
            is called with the argument, and with `options=` where it has such a parameter.
        options: how a model is loaded and asked.

    Raises:
        UnknownNameError: no such kind or task.
        UsageError: the engine's own argument is no good, or an option that it has no use for.
    """
    from groundsight.engines.own_task import with_own_task

    options = with_own_task(spec, options or EngineOptions())
    made = _make(spec, options)
    try:
        return _with_experts(made, options)
    except BaseException:
        if hasattr(made, "close"):
            made.close()
        raise


def _with_experts(made: Any, options: EngineOptions) -> Engine:
    """The engine that is asked: a reasoner over a chat model, and experts beside either.

    A model that is offered evidence is told the experts' opinions too.
    """
    experts = _load_experts(options)
    if not hasattr(made, "complete"):
        engine = cast(Engine, made)
        return _beside(engine, experts) if experts else engine
    from groundsight.engines.reasoner import make_reasoner

    reasoner = make_reasoner(made, options)
    if not experts:
        return reasoner
    if reasoner.builtin is None:
        return _beside(reasoner, experts)
    told = _beside(reasoner.builtin, experts, states=False)
    return _beside(replace(reasoner, builtin=told), ())


def _load_experts(options: EngineOptions) -> "list[ExpertEngine]":
    if not options.experts:
        return []
    from groundsight.engines.expert import make_expert

    return [make_expert(name, options) for name in options.experts]


def _beside(engine: Engine, experts: "Sequence[ExpertEngine]", *, states: bool = True) -> Engine:
    from groundsight.engines.second_opinions import SecondOpinions

    return SecondOpinions(engine, experts, states)


def load_chat_model(spec: str, options: EngineOptions | None = None) -> "ChatModel":
    """Make the chat model that an `--engine` value names, without a task over it.

    Args:
        spec: as for `load_engine`.
        options: how it is loaded; the task is not looked at.

    Raises:
        UsageError: as `load_engine`, or an engine that writes no text.
    """
    made = _make(spec, options or EngineOptions())
    if not hasattr(made, "complete"):
        raise UsageError(
            f"engine {spec!r} is no model that can be asked: use hf:MODEL or openai:URL#MODEL"
        )
    return cast("ChatModel", made)


def asks_model(spec: str) -> bool:
    """Whether an engine of this kind asks a model, so that one process of it is enough."""
    return spec.partition(":")[0] in CHAT_KINDS


def _make(spec: str, options: EngineOptions) -> Any:
    kind, _, argument = spec.partition(":")
    if kind not in ENGINES and _is_module(kind):
        attribute, _, argument = argument.partition(":")
        kind = f"{kind}:{attribute}"
    factory = ENGINES[kind]
    takes_options = kind in CHAT_KINDS or _has_options(factory)
    refused = _REFUSES.get(kind, frozenset() if takes_options else _REFUSES["builtin"])
    _check_options(kind, options, refused)
    made = factory(argument, options=options) if takes_options else factory(argument)
    if options.record is not None and hasattr(made, "complete"):
        from groundsight.engines.recording import RecordingModel

        return RecordingModel(made, Path(options.record))
    return made


def _check_options(kind: str, options: EngineOptions, refused: frozenset[str]) -> None:
    given = [name for name in EngineOptions.model_fields if name in options.model_fields_set]
    wrong = [name for name in given if name in refused]
    if wrong:
        flags = ", ".join(option_flag(name) for name in wrong)
        instead = "leave it out" if len(wrong) == 1 else "leave them out"
        raise UsageError(f"engine {kind} takes no {flags}: {instead}, or choose another --engine")


def option_flag(name: str) -> str:
    """The command line's name of a setting, e.g. "--max-pixels"."""
    return "--" + name.removesuffix("_s").replace("_", "-")


def _has_options(factory: Callable[..., Any]) -> bool:
    from inspect import signature

    try:
        return "options" in signature(factory).parameters
    except (TypeError, ValueError):  # some callables of C tell nothing
        return False


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
