"""The curves of both trainings, and the histogram of rejection sampling."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from groundsight.core.errors import MissingExtraError
from groundsight.demo.page.embedding import png_uri
from groundsight.demo.stages.curate import ANSWERS
from groundsight.demo.stages.sft import RUN
from groundsight.prepare.curate.folder import PLOT_FILE
from groundsight.train.metrics_file import read_metrics
from groundsight.train.training_plot import PANELS, save_training_plot

_SHOWN = {
    "sft": ("loss", "token accuracy", "learning rate"),
    "grpo": (
        *("reward", "reward parts", "what is right", "on held-out questions"),
        *("groups that teach nothing", "weights of the rewards"),
    ),
}
_CAPTIONS = {
    "sft": "SFT: next-token loss on the teacher's replies",
    "grpo": "GRPO: rewards of the rollouts; held-out here are the validation questions",
    "curate": "Rejection sampling: how often the merged model is right on each question",
}


def plots(folders: Mapping[str, Path]) -> list[tuple[str, str]]:
    """Caption and picture of every plot that can be drawn.

    Args:
        folders: of the stages.
    """
    files = {"sft": _draw(folders["sft"], "sft")}
    files["curate"] = folders["curate"] / ANSWERS / PLOT_FILE
    files["grpo"] = _draw(folders["grpo"], "grpo")
    found = [(_CAPTIONS[name], png_uri(path)) for name, path in files.items()]
    return [(caption, uri) for caption, uri in found if uri is not None]


def _draw(folder: Path, name: str) -> Path:
    path = folder / "curves.png"
    panels = [panel for panel in PANELS if panel.title in _SHOWN[name]]
    with suppress(MissingExtraError):
        rows = read_metrics(folder / RUN / "metrics.jsonl")
        save_training_plot(rows, path, title=name.upper(), panels=panels)
    return path
