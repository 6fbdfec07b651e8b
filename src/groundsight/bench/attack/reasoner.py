"""A vision-language model as a victim: its verdict and its boxes, through the processor's pixels.

The loss is the negative log-likelihood of the right reply at the tokens of its verdict, of its
boxes, or of both, with the rest of the reply given (teacher forcing). What it writes about the
attacked file is judged: the model reads, writes and is parsed as in detection.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from groundsight.bench.attack.linf import Loss
from groundsight.bench.attack.records import Aim
from groundsight.bench.attack.shown_pixels import trace_processor
from groundsight.bench.attack.victim import Judgement
from groundsight.core.errors import UsageError
from groundsight.core.types import Sample
from groundsight.engines.chat import Decoding
from groundsight.engines.hf.model import HFChatModel, describe
from groundsight.engines.hf.tokens import token_texts
from groundsight.engines.questions import make_request
from groundsight.engines.verdict_probability import find_verdict, verdict_probability
from groundsight.models.encoding import ExchangeCoder
from groundsight.models.load import LoadedModel
from groundsight.replies.regions import scan_regions
from groundsight.replies.reply import parse_reply
from groundsight.tasks import TASKS
from groundsight.vision.boxes import Boxes, union_iou
from groundsight.vision.images import Picture

if TYPE_CHECKING:
    from groundsight.tasks.base import TaskAnswer

_TOP = 20
"Alternatives kept at each token, to read p_fake from."


class ReasonerVictim:
    """A loaded model that is asked each sample's own question.

    Args:
        loaded: model, processor, dialect.
        aim: what of its reply is attacked.
        max_new_tokens: longest reply.
    """

    def __init__(
        self, loaded: LoadedModel, *, aim: Aim = "verdict", max_new_tokens: int = 2048
    ) -> None:
        loaded.model.requires_grad_(False)
        self._loaded, self._aim = loaded, aim
        self._coder = ExchangeCoder(loaded.processor)
        self._info = describe(loaded)
        self._chat = HFChatModel(loaded, self._info, batch_size=1)
        self._decoding = Decoding(max_new_tokens=max_new_tokens, top_logprobs=_TOP)

    @property
    def device(self) -> torch.device:
        """The model's."""
        return self._loaded.device

    def describe(self) -> Mapping[str, Any]:
        """As engines are told, and the longest reply."""
        told = self._info.model_dump(mode="json")
        return {**told, "max_new_tokens": self._decoding.max_new_tokens}

    def loss(self, sample: Sample, picture: Picture) -> Loss:
        """Mean negative log-likelihood of the right reply's tokens that are aimed at.

        Raises:
            UsageError: the sample lacks its truth, or its reply has nothing to aim at.
        """
        task, dialect = TASKS[sample.task], self._loaded.dialect
        reply = task.gold_reply(sample, dialect)
        exchange = self._coder.encode(task.messages(sample, dialect), [picture.rgb], reply)
        batch = self._coder.collate([exchange])
        del batch["labels"]
        inputs = {name: value.to(self.device) for name, value in batch.items()}
        places = [exchange.num_prompt + place for place in self._aimed_at(reply, sample)]
        images = self._loaded.processor.image_processor
        shown = trace_processor(images, Image.fromarray(picture.rgb))
        model, ids = self._loaded.model, inputs["input_ids"][0]

        def of(pixels: Tensor) -> Tensor:
            values = shown(pixels).to(self._loaded.dtype)
            logits = model(**{**inputs, "pixel_values": values}, use_cache=False).logits[0]
            said = torch.log_softmax(logits[[place - 1 for place in places]].float(), dim=-1)
            return -said.gather(1, ids[places][:, None]).mean()

        return of

    def judge(self, sample: Sample, picture: Picture) -> Judgement:
        """What it writes about the picture, read as in detection."""
        dialect = self._loaded.dialect
        request = make_request(sample, (picture,), dialect)
        (reply,) = self._chat.complete([request], self._decoding)
        if not reply.completions:
            return Judgement(verdict=None)
        (written,) = reply.completions
        answer = TASKS[sample.task].parse(written.text, sample, dialect)
        weighed = verdict_probability(written)
        return Judgement(
            verdict=answer.verdict,
            p_fake=None if weighed is None else weighed.p_fake,
            region_iou=_region_iou(sample, answer),
        )

    def _aimed_at(self, reply: str, sample: Sample) -> list[int]:
        """Places in the reply's ids of the tokens that are attacked."""
        spans = _spans(reply, self._aim)
        texts = token_texts(self._loaded.processor.tokenizer, self._coder.reply_ids(reply))
        ends = np.cumsum([len(text) for text in texts])
        places = [
            index
            for index, (text, end) in enumerate(zip(texts, ends, strict=True))
            if any(end - len(text) < stop and start < end for start, stop in spans)
        ]
        if not places:
            raise UsageError(f"the right reply of {sample.id} has no {self._aim} to aim at")
        return places


def _spans(reply: str, aim: Aim) -> Sequence[tuple[int, int]]:
    """Characters of a reply's verdict and boxes, as far as they are aimed at."""
    parsed = parse_reply(reply)
    spans: list[tuple[int, int]] = []
    verdict = find_verdict(parsed)
    if verdict is not None and aim != "boxes":
        length = len(reply[verdict.start :].split("<")[0].split('"')[0].rstrip())
        spans.append((verdict.start, verdict.start + length))
    if aim != "verdict":
        found = scan_regions(reply, parsed.layout).regions
        spans += [(region.start, region.end) for region in found]
    return spans


def _region_iou(sample: Sample, answer: "TaskAnswer") -> float | None:
    """By covered area; None where the right answer has no boxes."""
    right = TASKS[sample.task].gold_answer(sample).regions
    if not right:
        return None
    said, true = (
        Boxes.px([region.xyxy_px for region in regions]).ordered()
        for regions in (answer.regions, right)
    )
    return float(union_iou(said, true))
