"""How an expert is trained: one schema, and what each expert changes of it."""

from typing import Literal

from pydantic import Field

from groundsight.core.config import Config, laid_over, validate_config
from groundsight.core.json_values import JsonObject

Range = tuple[float, float]
Precision = Literal["float32", "bfloat16"]


class Augmentation(Config):
    """What may happen to a picture before it is shown. Rates are chances in 0 … 1."""

    flip_rate: float = Field(default=0.5, ge=0, le=1)
    "Mirrored left to right."
    resize_rate: float = Field(default=0.0, ge=0, le=1)
    "Resized by a factor of `resize_factor`, as sharing does."
    resize_factor: Range = (0.6, 1.4)
    "Drawn evenly in the logarithm."
    blur_rate: float = Field(default=0.1, ge=0, le=1)
    "Gaussian blur; CNNSpot's paper has 0.1 and 0.5."
    blur_sigma: Range = (0.0, 3.0)
    "Pixels."
    jpeg_rate: float = Field(default=0.1, ge=0, le=1)
    "An earlier JPEG, before the codec below; CNNSpot's paper has 0.1 and 0.5."
    jpeg_quality: tuple[int, int] = (30, 100)
    "Of the earlier JPEG, ends included."
    codec: Literal["matched", "none"] = "matched"
    """matched: every picture of either class ends in a JPEG drawn from one law, so that the codec
    says nothing of the class; none: pictures as they were published, for sets that are matched."""


class ExpertTraining(Config):
    """Settings of a training run."""

    seed: int = 0
    "Of weights, order and views. One seed, data set, machine and thread count: the same bits."
    epochs: int = Field(default=20, ge=1)
    "Most epochs; the learning rate falls to 0 over them."
    pictures_an_epoch: int | None = Field(default=None, ge=1)
    "Draws an epoch; None: as many as there are pictures to fit."
    batch: int = Field(default=32, ge=1)
    "Pictures a step."
    crop_px: int = Field(default=224, ge=16)
    "Side of the square that is cut from a picture."
    learning_rate: float = Field(default=2e-4, gt=0)
    "Highest; reached after `warm_up_rate` of the steps, then a half cosine down."
    warm_up_rate: float = Field(default=0.05, ge=0, lt=1)
    "Share of the steps over which the learning rate rises."
    weight_decay: float = Field(default=0.0, ge=0)
    "AdamW's."
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    "Of labels: 0.1 makes the targets 0.05 and 0.95."
    average: float = Field(default=0.0, ge=0, lt=1)
    "Weights are averaged over steps with this memory, e.g. 0.99; 0 keeps the last ones."
    group_power: float = Field(default=0.6, ge=0, le=1)
    "A family or source of n pictures is drawn n^this often; classes are drawn evenly."
    valid_rate: float = Field(default=0.15, gt=0, lt=1)
    "Share of the pictures to fit that is held out: whole families of generators where it can be."
    most_valid: int = Field(default=1000, ge=2)
    "Held-out pictures that are scored after an epoch."
    patience: int = Field(default=6, ge=1)
    "Epochs without a better AUC on the held-out pictures before it stops."
    precision: Precision = "float32"
    "Of the network's products in training; scores are always float32."
    expert: JsonObject = Field(default_factory=dict)
    """Settings of the expert itself, e.g. {grid = 2}: four crops a picture when it scores; "none"
    stands for no value."""
    augmentation: Augmentation = Augmentation()
    "What may happen to a picture."


# What each expert changes. Orientation: NPR, Adam 2e-4, batch 32, crops of 224, flips; CNNSpot,
# Adam 1e-4, batch 64, crops of 224, blur and JPEG at 0.1 or 0.5, on hundreds of thousands of
# pictures, from ImageNet's weights. From fresh weights and a thousand pictures smaller crops, a
# higher rate, decay, smoothing and averaging fit the same time.
_FROM_SCRATCH = {"smoothing": 0.1, "average": 0.99, "weight_decay": 0.02}
DEFAULTS: dict[str, JsonObject] = {
    "npr": {
        **_FROM_SCRATCH,
        **{"crop_px": 128, "learning_rate": 1e-3, "precision": "bfloat16"},
        **{"epochs": 30, "patience": 12},
        "augmentation": {"blur_rate": 0.05, "blur_sigma": [0.2, 1.0], "jpeg_quality": [70, 98]},
        "expert": {"grid": 2},
    },
    "cnnspot": {
        **_FROM_SCRATCH,
        **{"crop_px": 128, "learning_rate": 1e-3, "precision": "bfloat16"},
        **{"epochs": 30, "patience": 12},
        "expert": {"grid": 2},
    },
    "fredect": {
        **_FROM_SCRATCH,
        **{"crop_px": 224, "learning_rate": 1e-3, "epochs": 40, "patience": 15},
        "expert": {"classifier": "cnn", "resize": None},
    },
    "patchcraft": {
        **_FROM_SCRATCH,
        **{"crop_px": 384, "batch": 16, "learning_rate": 1e-3, "precision": "bfloat16"},
        **{"epochs": 30, "patience": 12},
        "expert": {"grid": 4},
    },
}


def training_settings(name: str, changes: JsonObject | None = None) -> ExpertTraining:
    """The settings of an expert, with changes laid over them.

    Args:
        name: row of `EXPERTS`, or an import path, which has the schema's own defaults.
        changes: a tree of settings, e.g. of `core.config.read_settings`.

    Raises:
        ConfigError: a setting that there is not, or a value that does not fit.
    """
    tree = laid_over(DEFAULTS.get(name, {}), changes or {})
    own = tree.get("expert")
    if isinstance(own, dict):  # TOML has no word for None
        tree["expert"] = {key: None if of == "none" else of for key, of in own.items()}
    return validate_config(ExpertTraining, tree, where=f"training of {name}")
