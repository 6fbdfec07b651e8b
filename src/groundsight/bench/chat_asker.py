"""Who asks a model for regions or a choice: one greedy reply a sample."""

from collections.abc import Sequence
from dataclasses import asdict

from groundsight.bench.records import Unanswered
from groundsight.bench.said import Said, no_answer, whole_numbers
from groundsight.bench.showing import NO_SAMPLE, Ready
from groundsight.bench.truth import plain_regions
from groundsight.core.errors import GroundsightError
from groundsight.core.report import Problem
from groundsight.engines import EngineOptions
from groundsight.engines.chat import ChatModel, ChatReply, ChatRequest, Decoding, looks_at_pixels
from groundsight.engines.over_model import OverModel
from groundsight.engines.questions import make_request
from groundsight.suites.base import Suite
from groundsight.tasks import TASKS


class ChatAsker(OverModel):
    """For chat models that are asked for regions or a choice: one greedy reply a sample.

    Args:
        model: who writes.
        suite: who scores.
        options: length and seed of the phrasing.
    """

    def __init__(self, model: ChatModel, suite: Suite, options: EngineOptions) -> None:
        super().__init__(model)
        self._suite = suite
        self.decoding = Decoding(max_new_tokens=options.max_new_tokens, seed=options.seed)

    @property
    def looks_at_pixels(self) -> bool:
        """The model's."""
        return looks_at_pixels(self.model)

    def ask(self, ready: Sequence[Ready]) -> list[Said | Unanswered]:
        """Replies, scored."""
        requests = [self._request(one) for one in ready]
        asked = [request for request in requests if isinstance(request, ChatRequest)]
        replies = iter(self.model.complete(asked, self.decoding) if asked else ())
        return [
            self._scored(one, next(replies)) if isinstance(request, ChatRequest) else request
            for one, request in zip(ready, requests, strict=True)
        ]

    def _request(self, ready: Ready) -> ChatRequest | Unanswered:
        seed = self.decoding.seed
        try:
            return make_request(ready.named, ready.pictures, self.dialect, seed=seed)
        except GroundsightError as error:
            return ready.shown.unanswered(NO_SAMPLE, str(error))

    def _scored(self, ready: Ready, reply: ChatReply) -> Said | Unanswered:
        if reply.problem is not None or not reply.completions:
            return no_answer(ready, [reply.problem] if reply.problem else [])
        written = reply.completions[0]
        problems: list[Problem] = []
        if written.finish == "length":
            text = "the reply was cut off at --max-new-tokens"
            problems.append(Problem(code="cut_off", message=text))
        score = self._suite.score(ready.sample, written.text, dialect=self.dialect)
        answer = TASKS[ready.sample.task].parse(written.text, ready.sample, self.dialect)
        return Said(
            score=score,
            raw=written.text,
            regions=plain_regions(answer.regions),
            problems=(*problems, *answer.problems),
            usage=whole_numbers(asdict(reply.usage)),
        )
