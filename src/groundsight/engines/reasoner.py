"""A chat model as an engine that examines pictures: ask a task's question, read the replies.

    engine = make_reasoner(load_chat_model("hf:MODEL"), EngineOptions(task="grounded_detection"))
    answer, = engine.examine([open_picture("photo.jpg")])

The verdict is the model's own. One reply is greedy; several are drawn and vote (`engines.vote`).
`p_fake` comes from the verdict token's probabilities where the model gives them
(`engines.verdict_probability`), else from the votes; a single reply without log-probabilities has
none. Builtin evidence stands beside it in lines of its own, never mixed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from groundsight.core.errors import FrameError, UsageError
from groundsight.core.report import EngineInfo, Problem
from groundsight.core.types import ImageRef, Sample, Verdict
from groundsight.engines.answer_schema import answer_schema
from groundsight.engines.base import Answer, Engine
from groundsight.engines.chat import ChatModel, ChatReply, ChatRequest, Decoding
from groundsight.engines.evidence_prompt import offer_evidence, write_evidence
from groundsight.engines.options import EngineOptions
from groundsight.engines.questions import prompt_json
from groundsight.engines.reading import read_reply
from groundsight.engines.report_reply import ReadReply, make_answer
from groundsight.tasks import TASKS
from groundsight.tasks.base import Task
from groundsight.vision.frames import PictureSize
from groundsight.vision.images import Picture

TOP_LOGPROBS = 20
"Alternatives asked for at each token; hosted servers give no more."


@dataclass(frozen=True)
class Asked:
    """What a picture's model is asked.

    Args:
        picture: open.
        sample: of the task.
        builtin: the builtin engine's answer, where its evidence is offered.
        told: the words in which it is offered.
        refusal: why the model cannot be shown this picture; it is not asked then.
    """

    picture: Picture
    sample: Sample
    builtin: Answer | None = None
    told: str | None = None
    refusal: Problem | None = None


@dataclass(frozen=True)
class Reasoner:
    """An engine over a chat model.

    Args:
        model: who writes.
        task: what is asked.
        options: how.
        builtin: whose evidence lines are offered to the model and reported; None for neither.
    """

    model: ChatModel
    task: Task
    options: EngineOptions
    builtin: Engine | None = None

    @cached_property
    def info(self) -> EngineInfo:
        """The model's, with what it is asked and how."""
        settings: dict[str, Any] = {
            **self.model.info.settings,
            "task": self.task.name,
            "prompt_sha256": self._prompt_sha256(),
            "frame": self.model.dialect.frame,
            "samples": self.options.samples,
            "max_new_tokens": self.options.max_new_tokens,
        }
        if self.options.samples > 1:
            settings |= {"temperature": self.options.temperature, "seed": self.options.seed}
        if self.builtin is not None:
            settings["told_evidence_of"] = self.builtin.info.model_dump(mode="json")
        return self.model.info.model_copy(update={"settings": settings})

    @property
    def batch_size(self) -> int:
        """The model's."""
        return self.model.batch_size

    @property
    def decoding(self) -> Decoding:
        """How replies are drawn."""
        several = self.options.samples > 1
        return Decoding(
            max_new_tokens=self.options.max_new_tokens,
            temperature=self.options.temperature if several else 0.0,
            num_samples=self.options.samples,
            seed=self.options.seed,
            top_logprobs=TOP_LOGPROBS,
        )

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        """One answer a picture, in order; whatever goes wrong is a problem of its answer."""
        return self.answer(pictures, [None] * len(pictures))

    def answer(self, pictures: Sequence[Picture], samples: Sequence[Sample | None]) -> list[Answer]:
        """One answer a picture to a question of its own, as `examine`.

        Args:
            pictures: open.
            samples: whose question is asked of each; None: the task's.
        """
        builtin: Sequence[Answer | None] = [None] * len(pictures)
        if self.builtin is not None:
            builtin = self.builtin.examine(pictures)
        asked = [self.ask(*three) for three in zip(pictures, builtin, samples, strict=True)]
        replies = iter(self._complete([one for one in asked if one.refusal is None]))
        return [
            self._answer(one, next(replies) if one.refusal is None else _refused(one.refusal))
            for one in asked
        ]

    def ask(
        self, picture: Picture, builtin: Answer | None = None, sample: Sample | None = None
    ) -> Asked:
        """What the model is asked of one picture.

        Args:
            picture: open.
            builtin: the answer whose evidence lines are offered to the model.
            sample: whose question is asked, with the picture's size; None: the task's question.
        """
        size = PictureSize(picture.width, picture.height)
        if sample is None:
            image = ImageRef(path=picture.path, width=size.width, height=size.height)
            # Named by content: the same picture is asked the same, whatever its name.
            sample = Sample(id=picture.sha256, images=(image,), task=self.task.name)
        told = None if builtin is None else write_evidence(builtin.evidence)
        refusal = None
        try:
            self.model.dialect.extent(size)
        except FrameError as error:
            refusal = Problem(code="picture_refused", message=str(error))
        return Asked(picture, sample, builtin, told, refusal)

    def request(self, asked: Asked, *, structured: bool = False) -> ChatRequest:
        """The question as it goes to the model.

        Args:
            asked: of `ask`.
            structured: whether the reply is to be the answer's JSON alone.
        """
        messages = self.task.messages(asked.sample, self.model.dialect, seed=self.options.seed)
        return ChatRequest(
            id=asked.sample.id,
            messages=offer_evidence(messages, asked.told),
            pictures=(asked.picture,),
            json_schema=answer_schema(self.task.name) if structured else None,
        )

    def close(self) -> None:
        """Let the model go."""
        self.model.close()

    def _complete(self, asked: Sequence[Asked]) -> list[ReadReply]:
        """The model's replies, read; one without a verdict is asked once more for JSON alone."""
        structured = self.options.structured == "on"
        replies = self._ask_model(asked, structured=structured)
        if structured or self.options.structured == "off" or not self._follows_schema():
            return replies
        again = [
            index
            for index, reply in enumerate(replies)
            if reply.problem is None and not any(one.answer.verdict for one in reply.readings)
        ]
        second = self._ask_model([asked[index] for index in again], structured=True)
        for index, reply in zip(again, second, strict=True):
            if any(one.answer.verdict for one in reply.readings):
                replies[index] = reply.after(replies[index])
        return replies

    def _ask_model(self, asked: Sequence[Asked], *, structured: bool) -> list[ReadReply]:
        if not asked:
            return []
        requests = [self.request(one, structured=structured) for one in asked]
        replies = self.model.complete(requests, self.decoding)
        pairs = zip(asked, requests, replies, strict=True)
        return [self._read(one, request, reply) for one, request, reply in pairs]

    def _read(self, asked: Asked, request: ChatRequest, reply: ChatReply) -> ReadReply:
        readings = tuple(
            read_reply(
                completion,
                asked.sample,
                self.task,
                self.model.dialect,
                bare_json_is_fine=request.json_schema is not None,
            )
            for completion in reply.completions
        )
        return ReadReply(
            readings=readings, usage=reply.usage, problem=reply.problem, notes=reply.notes
        )

    def _follows_schema(self) -> bool:
        """Whether asking for JSON alone can help: the task has some, the model may obey."""
        able = bool(getattr(self.model, "follows_schema", False))
        return able and answer_schema(self.task.name) is not None

    def _answer(self, asked: Asked, reply: ReadReply) -> Answer:
        return make_answer(reply, name=self.model.info.name, told=asked.told, builtin=asked.builtin)

    def _prompt_sha256(self) -> str:
        prompt = prompt_json(self.task, self.model.dialect, seed=self.options.seed)
        return sha256(prompt).hexdigest()


def make_reasoner(model: ChatModel, options: EngineOptions) -> Reasoner:
    """Put a task's question over a chat model.

    Args:
        model: who writes.
        options: task, decoding, evidence.

    Raises:
        UnknownNameError: no such task.
        UsageError: a task whose answer has no verdict.
    """
    task = TASKS[options.task]
    _check_gives_verdict(task)
    builtin = None
    if options.with_evidence:
        from groundsight.engines.builtin.engine import make_builtin

        builtin = make_builtin("")
    return Reasoner(model, task, options, builtin)


def _check_gives_verdict(task: Task) -> None:
    sample = Sample(id="gold", images=(ImageRef(path=""),), task=task.name, label=1)
    if task.gold_answer(sample).verdict is not Verdict.AI_GENERATED:
        raise UsageError(
            f"task {task.name} gives no verdict, which detect needs: use --task forgery_reasoning "
            "or grounded_detection"
        )


def _refused(problem: Problem) -> ReadReply:
    return ReadReply(problem=problem)
