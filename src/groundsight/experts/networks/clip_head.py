"""A frozen CLIP image tower and a linear layer on its features."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from groundsight.core.errors import MissingExtraError, UsageError


class ClipHead(nn.Module):
    """Features of CLIP's image tower → one linear layer.

    Args:
        backbone: hub name or folder of a CLIP model, whole or its image side alone.
        num_classes: outputs.

    Raises:
        UsageError: no such model here, or one that is no CLIP.
    """

    def __init__(self, backbone: str, num_classes: int = 1) -> None:
        super().__init__()
        self.model = load_clip_tower(backbone)
        self.fc = nn.Linear(self.model.config.projection_dim, num_classes)
        nn.init.normal_(self.fc.weight, 0.0, 0.02)

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), normalised → (N, projection_dim), as CLIP's `encode_image` gives them."""
        out: Tensor = self.model(pixel_values=x).image_embeds
        return out

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), normalised → (N, num_classes)."""
        out: Tensor = self.fc(self.features(x))
        return out

    def last_tokens(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the last layer is given, and the logit that follows from it.

        Args:
            x: (N, 3, H, W), normalised.

        Returns:
            (N, 1 + patches, D), which the logit (N,) has a gradient for; the first token is no
            patch.
        """
        seen: list[Tensor] = []

        def keep(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            seen.append(args[0].detach().requires_grad_())
            return (seen[0], *args[1:])

        hook = self.model.vision_model.encoder.layers[-1].register_forward_pre_hook(keep)
        try:
            logits = self.forward(x)[:, 0]
        finally:
            hook.remove()
        return seen[0], logits

    def train(self, mode: bool = True) -> "ClipHead":
        """Only the linear layer learns: the tower stays as it is."""
        super().train(mode)
        self.model.eval()
        return self


def load_clip_tower(backbone: str) -> Any:
    """CLIP's image tower with its projection, frozen, float32.

    Raises:
        MissingExtraError: transformers is not installed.
        UsageError: no such model here, or one that is no CLIP.
    """
    try:
        from transformers import CLIPVisionModelWithProjection
    except ImportError as error:
        raise MissingExtraError("a CLIP tower", "local") from error
    try:
        tower, told = CLIPVisionModelWithProjection.from_pretrained(
            backbone, dtype=torch.float32, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # the hub's client raises almost anything
        raise UsageError(_missing(backbone, error)) from error
    if told["missing_keys"]:
        raise UsageError(f"{backbone} is no CLIP model: it lacks {sorted(told['missing_keys'])[0]}")
    return tower.eval().requires_grad_(False)


def _missing(backbone: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:160]
    if Path(backbone).is_dir():
        return f"{backbone} is no folder of a CLIP model that can be read: {reason}"
    return (
        f"CLIP tower {backbone} is not on this machine and could not be downloaded; where there is "
        f"a network run: hf download {backbone} --local-dir {Path(backbone).name}; then give that "
        "folder with --backbone"
    )
