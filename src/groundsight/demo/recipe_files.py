"""The demo's recipes: TOML with places for what a demo fills in, written beside each training run.

The file that is written is a recipe like any other: `groundsight train sft FILE --out DIR` runs it.
"""

from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from string import Template

from groundsight.data.run_folder import told, write_whole
from groundsight.demo.settings import DemoSettings

RECIPE = "recipe.toml"
SFT = "sft"
_SAVES = 4
"Checkpoints of a run: as much as a quarter of it is done again after a kill."


def grpo_name(settings: DemoSettings) -> str:
    """The task's recipe of GRPO."""
    return f"grpo_{settings.task}"


def write_recipe(folder: Path, name: str, *, steps: int, **values: Path | int) -> Path:
    """Fill a recipe in and write it.

    Args:
        folder: gets `recipe.toml`.
        name: of the recipe.
        steps: optimizer steps.
        **values: what else stands for a place in it; paths are written in full.
    """
    filled: dict[str, object] = {
        key: _toml_text(value) if isinstance(value, Path) else value
        for key, value in values.items()
    }
    text = Template(recipe_text(name)).substitute(
        filled, steps=steps, save_steps=max(1, steps // _SAVES)
    )
    path = folder / RECIPE
    with told(path):
        write_whole(path, text)
    return path


def recipe_text(name: str) -> str:
    """A recipe as it ships, with its places open."""
    inside = files("groundsight.demo") / "recipes" / f"{name}.toml.in"
    return inside.read_text(encoding="utf-8")


def recipe_digest(name: str) -> str:
    """Of the recipe as it ships: another one is another run."""
    return sha256(recipe_text(name).encode()).hexdigest()


def _toml_text(path: Path) -> str:
    """A path inside the quotes of a TOML string."""
    return str(path.resolve()).replace("\\", "\\\\").replace('"', '\\"')
