"""How large a nano model is; no torch, so that recipes and plans can speak of it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NanoSize:
    """Sizes of a nano model. Heads are `head_dim` wide in the language model.

    Args:
        hidden_size: width of the language model.
        num_layers: of the language model.
        num_heads: of the language model's queries.
        num_kv_heads: of its keys and values.
        head_dim: width of a head; a multiple of 16.
        intermediate_size: of its MLPs.
        vision_hidden_size: width of the vision tower.
        vision_layers: its depth; the last layer attends to the whole picture.
        vision_heads: its heads.
        vision_intermediate_size: of its MLPs.
        max_pixels: most pixels of a picture as the model sees it.
    """

    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    vision_hidden_size: int
    vision_layers: int
    vision_heads: int
    vision_intermediate_size: int
    max_pixels: int = 1024 * 28 * 28


TOY = NanoSize(
    hidden_size=32,
    num_layers=2,
    num_heads=2,
    num_kv_heads=1,
    head_dim=16,
    intermediate_size=64,
    vision_hidden_size=32,
    vision_layers=2,
    vision_heads=2,
    vision_intermediate_size=64,
)
"""About 0.2 million parameters, most of them the embedding: for tests."""

NANO = NanoSize(
    hidden_size=256,
    num_layers=6,
    num_heads=4,
    num_kv_heads=2,
    head_dim=64,
    intermediate_size=768,
    vision_hidden_size=192,
    vision_layers=6,
    vision_heads=3,
    vision_intermediate_size=512,
)
"""About 9 million parameters: for the demo and benchmarks."""

BASE = NanoSize(
    hidden_size=128,
    num_layers=4,
    num_heads=4,
    num_kv_heads=2,
    head_dim=32,
    intermediate_size=384,
    vision_hidden_size=96,
    vision_layers=4,
    vision_heads=3,
    vision_intermediate_size=256,
)
"""About 2.4 million parameters: of the pretrained base that ships with the package."""
