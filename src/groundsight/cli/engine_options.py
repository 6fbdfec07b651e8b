"""Options of engines that ask a model, the same for every command that takes `--engine`."""

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundsight.cli.asking import options_in

if TYPE_CHECKING:
    from groundsight.engines import EngineOptions

PANEL = "Model engines"
_option = options_in(PANEL)


Task = Annotated[
    str | None,
    _option("What is asked: forgery_reasoning (default) or grounded_detection."),
]
Adapter = Annotated[
    str | None, _option("LoRA adapter, a folder or hub name (hf).", metavar="ADAPTER")
]
Dtype = Annotated[
    str | None,
    _option(
        "auto, float32, bfloat16 or float16 (hf); auto: bfloat16 on an accelerator, else float32."
    ),
]
Device = Annotated[str | None, _option("auto, cpu, cuda, cuda:1, mps (hf).")]
MinPixels = Annotated[
    int | None, _option("Fewest pixels that the model is shown; by default its own.", min=1)
]
MaxPixels = Annotated[
    int | None, _option("Most pixels that the model is shown; by default its own.", min=1)
]
Family = Annotated[
    str | None,
    _option("Whose box numbers these are, where the model's name does not tell: qwen2_5_vl, …"),
]
BatchSize = Annotated[
    int | None, _option("Pictures a batch (hf), requests at a time (openai); default 8.", min=1)
]
MaxNewTokens = Annotated[int | None, _option("Longest reply; default 2048.", min=1)]
Samples = Annotated[
    int | None, _option("Replies a picture; more than one vote on the verdict.", min=1)
]
Temperature = Annotated[
    float | None, _option("Of the draws with --samples; default 0.7. One reply is greedy.")
]
Seed = Annotated[int | None, _option("Of the draws; default 0.")]
WithEvidence = Annotated[
    bool,
    _option(
        "Tell the model the builtin evidence lines, and report them beside it.", "--with-evidence"
    ),
]
Timeout = Annotated[
    float | None, _option("Of one request (openai); default 300.", metavar="SECONDS")
]
Retries = Annotated[
    int | None, _option("On 429, 5xx, timeouts, lost connections (openai); default 4.", min=0)
]
Structured = Annotated[
    str | None,
    _option(
        "JSON schema of the answer (openai): on, off, or auto (default): asked for where a reply "
        "has no verdict."
    ),
]
PriceIn = Annotated[
    float | None, _option("Money a million prompt tokens, for the cost line (openai).", min=0)
]
PriceOut = Annotated[
    float | None, _option("Money a million written tokens, for the cost line (openai).", min=0)
]
Experts = Annotated[
    list[str] | None,
    typer.Option(
        "--expert",
        help="A second opinion beside the verdict, a name (see experts list) or a folder of "
        "experts train; repeatable. Disagreement is stated, nothing is averaged.",
        metavar="NAME|DIR",
        show_default=False,
    ),
]
Record = Annotated[
    str | None, _option("Append every reply to this file, for replay:FILE.", metavar="FILE")
]


_OPTIONS: dict[str, Any] = {
    "task": Task,
    "adapter": Adapter,
    "dtype": Dtype,
    "device": Device,
    "min_pixels": MinPixels,
    "max_pixels": MaxPixels,
    "family": Family,
    "batch_size": BatchSize,
    "max_new_tokens": MaxNewTokens,
    "samples": Samples,
    "temperature": Temperature,
    "seed": Seed,
    "with_evidence": WithEvidence,
    "timeout": Timeout,
    "retries": Retries,
    "structured": Structured,
    "price_in": PriceIn,
    "price_out": PriceOut,
    "record": Record,
    "experts": Experts,
}
_SETTINGS = {"timeout": "timeout_s"}

LOADING = ("adapter", "dtype", "device", "min_pixels", "max_pixels", "family")
"Which model, and what it is shown."
CALLING = ("timeout", "retries", "record")
"How it is reached."
PRICES = ("price_in", "price_out")


def takes_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a model, handed to it together.

    Args:
        *names: of the options, in the order of `--help`. The command declares a keyword
            `options: EngineOptions` in their place; those that were not given are unset in it.
    """

    def wrap(command: Callable[..., None]) -> Callable[..., None]:
        def run(**given: Any) -> None:
            options = gather_options(
                **{_SETTINGS.get(name, name): given.pop(name) for name in names}
            )
            command(options=options, **given)

        own = [p for p in signature(command).parameters.values() if p.name != "options"]
        added = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=False if name == "with_evidence" else None,
                annotation=_OPTIONS[name],
            )
            for name in names
        ]
        run.__signature__ = Signature([*own, *added])  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in (*own, *added)}
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        return run

    return wrap


def gather_options(**given: Any) -> "EngineOptions":
    """The options that were given; those that are None or False were not.

    Args:
        **given: by the name of the setting.

    Raises:
        ConfigError: a value that no setting takes.
    """
    from groundsight.core.config import validate_config
    from groundsight.engines import EngineOptions

    tree = {
        name: value
        for name, value in given.items()
        if value is not None and value is not False and value != []
    }
    return validate_config(EngineOptions, tree, where="engine options")
