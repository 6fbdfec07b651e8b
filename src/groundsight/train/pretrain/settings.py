"""What a nano base is pretrained with."""

from groundsight.core.config import Config
from groundsight.synth.edits.bold import BOLD, HARDER


class PretrainSettings(Config):
    """Of one base; all choices are ours."""

    seed: int = 0
    "Root of weights, pictures and questions."
    size_px: int = 128
    "Side of the pictures; a multiple of 32."
    edits: tuple[str, ...] = (*BOLD, *BOLD, *HARDER)
    "Operators whose traces the tower learns to see; one that stands twice is drawn twice as often."
    side_rates: tuple[float, float] = (0.25, 0.6)
    "Side of an edit over the picture's side."
    soft_rate: float = 0.3
    "Share of edits with a soft border."
    min_crop_rate: float = 0.6
    "Smallest crop over the largest that fits."
    qualities: tuple[int, int] = (85, 98)
    "Of JPEG; every second picture is PNG."
    block_steps: int = 200
    "Steps between checkpoints; their pictures are made together, each is shown `views` times."
    views: int = 4
    "Times that a picture is shown, each time mirrored and turned anew."
    batch_size: int = 32
    "Pictures a step, of all processes."
    dense_steps: int = 20_000
    "Steps on dense labels alone: tower and projector."
    dense_rate: float = 1.5e-3
    "Peak learning rate of it."
    text_steps: int = 5_000
    "Steps on questions and dense labels: all weights."
    text_rate: float = 2e-3
    "Peak learning rate of the language model in them; the tower's is an eighth."
    warm_up: int = 200
    "Steps in which a learning rate rises."
    cool_down: float = 0.35
    "Last share of a stage, in which the learning rate falls to nothing in a line."


DEFAULT_PRETRAINING = PretrainSettings()
