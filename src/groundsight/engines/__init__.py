"""Who writes the answer: builtin now; hf, openai and replay join it.

engine = load_engine("builtin")
answer, = engine.examine([open_picture("photo.jpg")])
"""

from collections.abc import Callable
from importlib.util import find_spec

from groundsight.core.table import Table
from groundsight.engines.base import Answer, Engine

__all__ = ["ENGINES", "Answer", "Engine", "load_engine"]

# Kind of engine → factory that takes what follows the colon ("" when nothing does).
ENGINES: Table[Callable[[str], Engine]] = Table(
    "engine", {"builtin": "groundsight.engines.builtin.engine:make_builtin"}
)


def load_engine(spec: str) -> Engine:
    """Make the engine that a `--engine` value names.

    Args:
        spec: "builtin", "KIND:ARGUMENT", or a factory of your own by import path,
            "my_package.my_module:make_engine" or "my_package.my_module:make_engine:ARGUMENT".

    Raises:
        UnknownNameError: no such kind.
        UsageError: the engine's own argument is no good.
    """
    kind, _, argument = spec.partition(":")
    if kind not in ENGINES and _is_module(kind):
        attribute, _, argument = argument.partition(":")
        kind = f"{kind}:{attribute}"
    return ENGINES[kind](argument)


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
