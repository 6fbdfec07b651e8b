"""The second lesson: questions and answers, while the dense labels go on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from groundsight.models.encoding import IGNORED, ExchangeCoder
from groundsight.models.families import MODEL_FAMILIES
from groundsight.models.load import dialect_of
from groundsight.train.pretrain.dense import DenseLesson
from groundsight.train.pretrain.questions import Exchange, Questioner
from groundsight.train.pretrain.scenes import Scene
from groundsight.train.pretrain.settings import PretrainSettings
from groundsight.train.pretrain.stage import Groups
from groundsight.train.pretrain.tower import grid_of

_DENSE_WEIGHT = 0.5


class TextLesson:
    """Trains everything: the language model fast, the tower slowly.

    Args:
        model: whole.
        processor: of the model.
        dense: the first lesson, with its trained tower and heads.
        settings: of the pretraining.
    """

    name = "text"

    def __init__(
        self, model: Any, processor: Any, dense: DenseLesson, settings: PretrainSettings
    ) -> None:
        self.model, self.processor, self.dense, self.settings = model, processor, dense, settings
        self.modules: dict[str, nn.Module] = {"model": model, "heads": dense.heads}
        self._coder = ExchangeCoder(processor)
        dialect = dialect_of(MODEL_FAMILIES["qwen3_vl"], processor)
        self._questioner = Questioner(settings, dense.names, dialect)
        self._mark = processor.image_token
        self._mark_id = int(model.config.image_token_id)
        self._seen: Any = None  # patches and tokens of the last forward pass
        model.model.visual.register_forward_hook(self._keep)

    def groups(self) -> Groups:
        """The language model at the full rate; tower and heads at an eighth."""
        tower = {id(parameter) for parameter in self.dense.tower.parameters()}
        language = [p for p in self.model.parameters() if id(p) not in tower]
        slow = [*self.dense.tower.parameters(), *self.dense.heads.parameters()]
        return [(language, self.settings.text_rate), (slow, self.settings.text_rate / 8)]

    def losses(self, scenes: Sequence[Scene], rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """Next-token loss of the answers, and the dense losses of all pictures."""
        exchanges = [self._questioner.ask(scene, rng) for scene in scenes]
        shown = [scene for exchange in exchanges for scene in exchange.scenes]
        ids, labels = self._batch(exchanges)
        states = self.model.model(
            input_ids=ids,
            attention_mask=(ids != self._coder.pad_id).long(),
            mm_token_type_ids=(ids == self._mark_id).int(),
            pixel_values=self.dense.rows(np.stack([scene.rgb for scene in shown])),
            image_grid_thw=grid_of(self.settings.size_px, len(shown)),
        ).last_hidden_state
        told = labels[:, 1:] != IGNORED
        logits = self.model.lm_head(states[:, :-1][told])
        parts = {"text": F.cross_entropy(logits, labels[:, 1:][told])}
        dense = self.dense.read(self._seen[0], self._seen[1], shown)
        self._seen = None
        return parts | {name: _DENSE_WEIGHT * part for name, part in dense.items()}

    def _keep(self, module: nn.Module, given: Any, out: Any) -> None:
        del module, given
        # Held now: the model cuts the merged tokens up by picture, in place, once it has them.
        self._seen = (out.last_hidden_state, out.pooler_output)

    def _batch(self, exchanges: Sequence[Exchange]) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, length) ids, padded on the right, and labels."""
        rows = [self._encode(exchange) for exchange in exchanges]
        width = max(len(prompt) + len(reply) for prompt, reply in rows)
        ids = torch.full((len(rows), width), self._coder.pad_id)
        labels = torch.full((len(rows), width), IGNORED)
        for at, (prompt, reply) in enumerate(rows):
            end = len(prompt) + len(reply)
            ids[at, :end] = torch.tensor([*prompt, *reply])
            labels[at, len(prompt) : end] = torch.tensor(reply)
        return ids, labels

    def _encode(self, exchange: Exchange) -> tuple[list[int], list[int]]:
        text: str = self.processor.apply_chat_template(
            exchange.messages, tokenize=False, add_generation_prompt=True
        )
        text = text.replace(self._mark, self._mark * self.dense.cells**2)
        prompt = self.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        return list(prompt), self._coder.reply_ids(exchange.reply)
