"""The autoencoder of latent diffusion models, with the names of diffusers' `AutoencoderKL`. Torch.

    read_autoencoder(Path("stable-diffusion-v1-5/vae"))

Reads a folder's config.json and safetensors; diffusers is not needed. Source: Rombach et al.,
High-Resolution Image Synthesis with Latent Diffusion Models, 2022 (arXiv 2112.10752).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn
from torch.nn import functional

from groundsight.core.errors import UsageError
from groundsight.experts.weights import State, fill, read_state

CLASS_NAME = "AutoencoderKL"
_DOWN, _UP = "DownEncoderBlock2D", "UpDecoderBlock2D"
_EPS = 1e-6
# How files before diffusers 0.15 name the parts of the attention.
_OLD_NAMES = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}


class AutoencoderConfig(BaseModel):
    """What of a config.json shapes the network; other fields are let be."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    class_name: str = Field(CLASS_NAME, alias="_class_name")
    in_channels: int = 3
    out_channels: int = 3
    latent_channels: int = Field(default=4, ge=1)
    block_out_channels: tuple[int, ...] = Field(default=(64,), min_length=1, max_length=8)
    down_block_types: tuple[str, ...] = (_DOWN,)
    up_block_types: tuple[str, ...] = (_UP,)
    layers_per_block: int = Field(default=1, ge=1, le=8)
    norm_num_groups: int = Field(default=32, ge=1)
    act_fn: str = "silu"
    mid_block_add_attention: bool = True
    use_quant_conv: bool = True
    use_post_quant_conv: bool = True

    @property
    def factor(self) -> int:
        """Pixels a side that one latent cell stands for."""
        return 1 << (len(self.block_out_channels) - 1)


class ResnetBlock(nn.Module):
    """Norm, SiLU, convolution, twice, around a shortcut."""

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs, eps=_EPS)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, outputs, eps=_EPS)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) → (N, outputs, H, W)."""
        out = self.conv1(functional.silu(self.norm1(x)))
        out = self.conv2(functional.silu(self.norm2(out)))
        return out + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Attention(nn.Module):
    """One head over all cells, around a shortcut."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, eps=_EPS)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        cells = self.group_norm(x).flatten(2).transpose(1, 2)
        mixed = functional.scaled_dot_product_attention(
            self.to_q(cells), self.to_k(cells), self.to_v(cells)
        )
        return x + self.to_out[0](mixed).transpose(1, 2).reshape(x.shape)


class MidBlock(nn.Module):
    """A ResNet block, attention, a ResNet block."""

    def __init__(self, channels: int, config: AutoencoderConfig) -> None:
        super().__init__()
        groups = config.norm_num_groups
        blocks = [Attention(channels, groups)] if config.mid_block_add_attention else []
        self.attentions = nn.ModuleList(blocks)
        self.resnets = nn.ModuleList(ResnetBlock(channels, channels, groups) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        x = self.resnets[0](x)
        for attention in self.attentions:
            x = attention(x)
        out: Tensor = self.resnets[1](x)
        return out


class Resampler(nn.Module):
    """A convolution that halves the sides, or one after they are doubled."""

    def __init__(self, channels: int, *, up: bool) -> None:
        super().__init__()
        self.up = up
        self.conv = nn.Conv2d(channels, channels, 3, padding=1 if up else 0, stride=1 if up else 2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, 2 H, 2 W) or (N, C, H / 2, W / 2)."""
        # Padded right and below only when halving, as the published weights were trained.
        grown = (
            functional.interpolate(x, scale_factor=2.0)
            if self.up
            else functional.pad(x, (0, 1, 0, 1))
        )
        out: Tensor = self.conv(grown)
        return out


class ScaleBlock(nn.Module):
    """ResNet blocks at one scale, then a change of scale where there is a next one."""

    def __init__(
        self, inputs: int, outputs: int, depth: int, groups: int, *, up: bool, last: bool
    ) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(
            ResnetBlock(inputs if index == 0 else outputs, outputs, groups)
            for index in range(depth)
        )
        resamplers = [] if last else [Resampler(outputs, up=up)]
        self.add_module("upsamplers" if up else "downsamplers", nn.ModuleList(resamplers))
        self.resamplers = resamplers[:]

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) → (N, outputs, H', W')."""
        for block in (*self.resnets, *self.resamplers):
            x = block(x)
        return x


class Coder(nn.Module):
    """Encoder, or decoder: the same parts in the other order."""

    def __init__(self, config: AutoencoderConfig, *, up: bool) -> None:
        super().__init__()
        self.up = up
        sizes: Sequence[int] = config.block_out_channels[:: -1 if up else 1]
        inputs = config.latent_channels if up else config.in_channels
        outputs = config.out_channels if up else 2 * config.latent_channels
        groups, depth = config.norm_num_groups, config.layers_per_block + up
        self.conv_in = nn.Conv2d(inputs, sizes[0], 3, padding=1)
        blocks = [
            ScaleBlock(before, size, depth, groups, up=up, last=index == len(sizes) - 1)
            for index, (before, size) in enumerate(zip((sizes[0], *sizes), sizes, strict=False))
        ]
        self.mid_block = MidBlock(sizes[0] if up else sizes[-1], config)
        self.add_module("up_blocks" if up else "down_blocks", nn.ModuleList(blocks))
        self.blocks = blocks[:]
        self.conv_norm_out = nn.GroupNorm(groups, sizes[-1], eps=_EPS)
        self.conv_out = nn.Conv2d(sizes[-1], outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures → moments of the latents, or latents → pictures."""
        x = self.conv_in(x)
        if self.up:
            x = self.mid_block(x)
        for block in self.blocks:
            x = block(x)
        if not self.up:
            x = self.mid_block(x)
        out: Tensor = self.conv_out(functional.silu(self.conv_norm_out(x)))
        return out


class Autoencoder(nn.Module):
    """Picture → latents → picture.

    Args:
        config: of the folder.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        latents = config.latent_channels
        self.factor = config.factor
        self.encoder = Coder(config, up=False)
        self.decoder = Coder(config, up=True)
        self.quant_conv = nn.Conv2d(2 * latents, 2 * latents, 1) if config.use_quant_conv else None
        self.post_quant_conv = (
            nn.Conv2d(latents, latents, 1) if config.use_post_quant_conv else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in −1..1, sides multiples of `factor` → the same, by the mean latent."""
        moments = self.encoder(x)
        if self.quant_conv is not None:
            moments = self.quant_conv(moments)
        latents = moments.chunk(2, dim=1)[0]
        if self.post_quant_conv is not None:
            latents = self.post_quant_conv(latents)
        out: Tensor = self.decoder(latents)
        return out


def read_autoencoder(folder: Path) -> Autoencoder:
    """The autoencoder of a diffusers folder: the `vae` folder itself, or the pipeline's around it.

    Raises:
        UsageError: no such folder, another kind of autoencoder, or weights that do not fit.
    """
    folder = folder if (folder / "config.json").is_file() else folder / "vae"
    config = _read_config(folder / "config.json")
    network = Autoencoder(config)
    files = sorted(folder.glob("diffusion_pytorch_model*.safetensors"), key=lambda f: len(f.name))
    if not files:
        raise UsageError(f"{folder} holds no diffusion_pytorch_model.safetensors")
    fill(network, _modern(read_state(files[0])), files[0])
    network.eval().requires_grad_(False)
    return network


def _read_config(path: Path) -> AutoencoderConfig:
    try:
        loaded: Any = json.loads(path.read_bytes())
        config = AutoencoderConfig.model_validate(loaded)
    except OSError:
        raise UsageError(
            f"{path} is not there: expected the vae folder of a diffusers model"
        ) from None
    except (ValueError, RecursionError, ValidationError) as error:
        reason = " ".join(str(error).split())[:100]
        raise UsageError(f"{path} is no config of an autoencoder: {reason}") from None
    shapes = {config.class_name, *config.down_block_types, *config.up_block_types, config.act_fn}
    unknown = shapes - {CLASS_NAME, _DOWN, _UP, "silu"}
    if unknown:
        raise UsageError(f"{path}: only {CLASS_NAME} is read, not {', '.join(sorted(unknown))}")
    if any(size % config.norm_num_groups for size in config.block_out_channels):
        raise UsageError(f"{path}: block_out_channels must be multiples of norm_num_groups")
    return config


def _modern(state: State) -> State:
    """Names and shapes as diffusers writes them today."""
    out = {}
    for name, value in state.items():
        for old, new in _OLD_NAMES.items():
            name = name.replace(old, new) if ".attentions." in name else name
        is_linear = ".attentions." in name and value.ndim == 4
        out[name] = torch.as_tensor(value[:, :, 0, 0] if is_linear else value).float()
    return out
