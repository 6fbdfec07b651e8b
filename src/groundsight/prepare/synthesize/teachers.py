"""Who writes cold-start reasoning: a chat model that is told the truth, or rules.

    teacher = load_teacher("openai:http://localhost:8000/v1#Qwen2.5-VL-72B", options)
    reply, = teacher.write([Lesson(sample, pictures)], Decoding(num_samples=4))

A specification is that of `--engine` (`openai:`, `hf:`, `replay:`, or your own by import path), or
`rules`, or `rules:brief`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo
from groundsight.core.types import Sample
from groundsight.engines import EngineOptions, load_chat_model
from groundsight.engines.chat import ChatModel, ChatReply, ChatRequest, Decoding
from groundsight.engines.over_model import OverModel
from groundsight.prepare.synthesize.prompts import teach
from groundsight.prepare.synthesize.settings import SynthesisSettings
from groundsight.replies.dialect import Dialect
from groundsight.vision.images import Picture

RULES, BRIEF = "rules", "rules:brief"


@dataclass(frozen=True, eq=False)
class Lesson:
    """A sample that a reply is to be written for.

    Args:
        sample: with its truth and the sizes of its pictures.
        pictures: open, in order.
    """

    sample: Sample
    pictures: tuple[Picture, ...]


class Teacher(Protocol):
    """Writes replies to samples whose truth is known."""

    @property
    def info(self) -> EngineInfo:
        """Who writes; kept in every record."""
        ...

    @property
    def dialect(self) -> Dialect:
        """How it writes boxes."""
        ...

    @property
    def batch_size(self) -> int:
        """Lessons worth handing to one `write`."""
        ...

    def write(self, lessons: Sequence[Lesson], decoding: Decoding) -> list[ChatReply]:
        """`num_samples` replies a lesson, in order; what goes wrong is the problem of a reply."""
        ...

    def close(self) -> None:
        """Let connections and memory go."""
        ...


class ModelTeacher(OverModel):
    """A chat model that is told the truth, with the order not to let it show.

    Args:
        model: who writes.
        settings: seed and language of what is asked.
    """

    def __init__(self, model: ChatModel, settings: SynthesisSettings) -> None:
        super().__init__(model)
        self.settings = settings

    def request(self, lesson: Lesson) -> ChatRequest:
        """What is asked; named by the sample."""
        messages = teach(
            lesson.sample,
            self.model.dialect,
            seed=self.settings.seed,
            language=self.settings.language,
        )
        return ChatRequest(id=lesson.sample.id, messages=messages, pictures=lesson.pictures)

    def write(self, lessons: Sequence[Lesson], decoding: Decoding) -> list[ChatReply]:
        """The model's replies."""
        return self.model.complete([self.request(lesson) for lesson in lessons], decoding)


def load_teacher(spec: str, options: EngineOptions, settings: SynthesisSettings) -> Teacher:
    """Make the teacher that a `--teacher` value names.

    Args:
        spec: see the module.
        options: of the model's engine.
        settings: of the synthesis.

    Raises:
        UsageError: no such teacher, or options that it has no use for.
    """
    if spec in (RULES, BRIEF):
        from groundsight.prepare.synthesize.rules import RulesTeacher

        given = sorted(options.model_fields_set)
        if given:
            flags = ", ".join("--" + name.removesuffix("_s").replace("_", "-") for name in given)
            raise UsageError(f"teacher {spec} takes no {flags}: leave it out")
        return RulesTeacher(settings.seed, brief=spec == BRIEF)
    if spec.partition(":")[0] == "builtin":
        raise UsageError(
            "the builtin engine writes no text: use --teacher openai:URL#MODEL, hf:MODEL, "
            "replay:FILE, rules or rules:brief"
        )
    return ModelTeacher(load_chat_model(spec, options), settings)
