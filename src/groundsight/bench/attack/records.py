"""What an attack is set to, and what a run of it writes. No torch.

| file | holds |
|---|---|
| `settings.json` | settings and victim; a run is gone on with only under the same ones |
| `attacks.jsonl` | one picture a line (`AttackLine`), all its ε together |
| `attack.json` | figures (`AttackFile`) |
| `accuracy.png` | accuracy over ε |
| `pictures/` | attacked pictures as they were judged, where they were asked for |
"""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from groundsight.core.errors import UsageError
from groundsight.core.json_values import Text
from groundsight.core.types import Label, Value, Verdict
from groundsight.vision.codecs import FORMATS, Codec

LINES_FILE = "attacks.jsonl"
FIGURES_FILE = "attack.json"
PLOT_FILE = "accuracy.png"
PICTURES = "pictures"
DEFAULT_LEVELS = (0, 1, 2, 4, 8)
Method = Literal["fgsm", "pgd"]
Aim = Literal["verdict", "boxes", "both"]


class AttackSettings(Value):
    """How pictures are attacked."""

    method: Method = "pgd"
    "fgsm: one step; pgd: many."
    levels: tuple[Annotated[int, Field(ge=0, le=64)], ...] = DEFAULT_LEVELS
    "ε in grey levels of 255, rising; 0 is the picture after the codec."
    steps: int = Field(default=10, ge=1, le=1000)
    "Of PGD."
    step_rate: float = Field(default=2.5, gt=0)
    "All steps of PGD together go this many times ε (Madry et al. take 2.5)."
    restarts: int = Field(default=0, ge=0, le=100)
    "Of PGD, from random pixels, besides the one from the picture."
    aim: Aim = "verdict"
    "What of a reasoner's reply is attacked; an expert has a verdict alone."
    codec: str = "png"
    "Of the file that is judged: png, jpeg-QUALITY or webp-QUALITY."
    through_codec: bool = True
    "The attacker knows a lossy codec: every step is taken at what the file looks like."
    seed: int = 0
    "Of random starts."

    @field_validator("levels")
    @classmethod
    def _rising(cls, levels: tuple[int, ...]) -> tuple[int, ...]:
        if not levels or list(levels) != sorted(set(levels)):
            raise ValueError(f"levels must rise, each once, got {list(levels)}")
        return levels

    @field_validator("codec")
    @classmethod
    def _known(cls, codec: str) -> str:
        read_codec(codec)
        return codec


def read_codec(name: str) -> Codec:
    """A codec from its name.

    Args:
        name: "png", "jpeg-75", "webp-80".

    Raises:
        ValueError: another name; pydantic tells it as a mistake of the setting.
    """
    kind, _, quality = name.partition("-")
    lossy = kind != "png"
    if kind not in FORMATS or (quality == "") is lossy or not (quality or "1").isdecimal():
        raise ValueError(f"codec must be png, jpeg-QUALITY or webp-QUALITY, got {name!r}")
    if lossy and not 1 <= int(quality) <= 100:
        raise ValueError(f"the quality of a codec lies in 1 to 100, got {quality}")
    return Codec(format=kind, quality=int(quality) if lossy else None)


class Outcome(Value):
    """One picture after one attack, judged from the file."""

    level: int
    "ε in grey levels."
    linf: int
    "Largest change of a pixel in grey levels, after rounding, before the codec."
    loss: float
    "Of the label at the pixels found, before rounding; with a known codec after it."
    verdict: Verdict | None = None
    p_fake: float | None = None
    region_iou: float | None = None
    "Of the boxes against the true ones, by covered area; None where no boxes are asked for."
    correct: bool
    "Whether the verdict is the label's; no verdict is none."
    timing_s: float = Field(ge=0)


class AttackLine(Value):
    """One picture under all ε."""

    id: Text
    label: Label
    path: Text
    loss_clean: float | None = None
    "Of the label at the picture (after the codec, where that is known); None: not attacked."
    outcomes: tuple[Outcome, ...] = ()
    problem: Text | None = None
    "Why it could not be attacked; such a picture is counted, never scored as wrong."


class AttackFigure(Value):
    """What came out at one ε."""

    level: int
    num: int
    accuracy: float
    interval: tuple[float, float]
    "Wilson's, 95%."
    accuracy_real: float | None
    accuracy_fake: float | None
    flipped: float | None
    "Share of the pictures that were right at the smallest ε and are wrong here."
    mean_region_iou: float | None


class AttackFile(Value):
    """`attack.json`."""

    schema_name: Literal["groundsight.attack/1"] = "groundsight.attack/1"
    victim: dict[str, Any]
    settings: AttackSettings
    num_attacked: int
    num_left: int
    "Pictures that could not be opened or asked about."
    figures: tuple[AttackFigure, ...]


def check_label(label: int | None, name: str) -> Label:
    """A sample's label, which an attack needs.

    Raises:
        UsageError: it has none.
    """
    if label not in (0, 1):
        raise UsageError(f"sample {name} has no label: an attack needs to know what is right")
    return 1 if label == 1 else 0
