"""The first lesson: tower and projector on dense labels, no text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from groundsight.train.pretrain.labels import dense_labels
from groundsight.train.pretrain.scenes import Scene, SceneMaker, kind_names
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.train.pretrain.stage import Groups
from groundsight.train.pretrain.tower import (
    DenseHeads,
    grid_of,
    make_equal,
    patch_rows,
    whiten_patches,
)

_WHITENED_ON = 400


class DenseLesson:
    """Trains the tower and the heads that are thrown away.

    Args:
        model: of Qwen3-VL's architecture; its tower takes equal pictures from here on.
        processor: of the model.
        settings: of the pretraining.
    """

    name = "dense"

    def __init__(self, model: Any, processor: Any, settings: PretrainSettings) -> None:
        self.tower, self.settings = model.model.visual, settings
        make_equal(self.tower)
        self.names = kind_names(settings)
        self.cells = settings.size_px // 32
        self.mean = torch.tensor(processor.image_processor.image_mean)
        self.std = torch.tensor(processor.image_processor.image_std)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.heads = DenseHeads(
                tower_width=self.tower.config.hidden_size,
                width=self.tower.config.out_hidden_size,
                num_kinds=len(self.names),
            )
        self.modules: dict[str, nn.Module] = {"tower": self.tower, "heads": self.heads}

    def whiten(self, maker: SceneMaker) -> None:
        """Start the patch embedding from the photographs' own patches."""
        from groundsight.core.seeds import make_rng

        rng = make_rng(self.settings.seed, "whiten")
        crops = np.stack([maker.crop(rng) for _ in range(_WHITENED_ON)])
        whiten_patches(self.tower, self.rows(crops), seed=self.settings.seed)

    def groups(self) -> Groups:
        """The tower without its side exits, which get no loss here, and the heads."""
        parameters = [
            parameter
            for name, parameter in self.tower.named_parameters()
            if not name.startswith("deepstack_merger_list")
        ]
        return [([*parameters, *self.heads.parameters()], self.settings.dense_rate)]

    def rows(self, pictures: np.ndarray[Any, Any]) -> torch.Tensor:
        """Patches of (B, S, S, 3) pictures."""
        return patch_rows(torch.from_numpy(pictures), self.mean, self.std)

    def losses(self, scenes: Sequence[Scene], rng: Any) -> dict[str, torch.Tensor]:
        """Of the scenes' pictures."""
        del rng
        rows = self.rows(np.stack([scene.rgb for scene in scenes]))
        exits, self.tower.deepstack_visual_indexes = self.tower.deepstack_visual_indexes, []
        try:
            out = self.tower(
                rows, grid_thw=grid_of(self.settings.size_px, len(scenes)), return_dict=True
            )
        finally:
            self.tower.deepstack_visual_indexes = exits
        return self.read(out.last_hidden_state, out.pooler_output, scenes)

    def read(
        self, patches: torch.Tensor, tokens: torch.Tensor, scenes: Sequence[Scene]
    ) -> dict[str, torch.Tensor]:
        """Losses of the heads on what the tower made of some scenes, in their order."""
        labels = dense_labels(scenes, self.names, cells=self.cells)
        count = len(scenes)
        return self.heads.losses(
            patches.unflatten(0, (count, -1)), tokens.unflatten(0, (count, -1)), labels
        )
