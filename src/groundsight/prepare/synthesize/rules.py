"""A teacher without a model: sentences by rule from the known truth and a few measured figures.

It teaches a format and where things are, nothing of forensics: what it says of a picture as a whole
is measured (brightness, contrast, colour, fine detail), what it says of regions is the known
captions. Its records say that rules wrote them. Use it for a demo, a test, or a dry run of what
comes after; use a model for anything else.

`rules:brief` writes the gold reply, a third as long: for a nano model, which learns nothing of
regions from tokens of prose.

Where a sample has no expert's number, forgery reasoning gets 0.75 or 0.25, what a detector would
say that is right on three pictures of four [choice].
"""

from collections.abc import Sequence
from dataclasses import replace

import groundsight
from groundsight.core.report import EngineInfo, Problem
from groundsight.core.seeds import make_rng
from groundsight.core.types import (
    DetailedObservation,
    FinalVerdict,
    ForgeryReasoning,
    Sample,
    SpecialistAnalysis,
    TechnicalAnalysis,
    Verdict,
)
from groundsight.engines.chat import ChatReply, Completion, Decoding
from groundsight.prepare.synthesize.rule_phrases import Phrases, place_words
from groundsight.prepare.synthesize.teachers import BRIEF, RULES, Lesson
from groundsight.replies.dialect import PIXELS, Dialect
from groundsight.replies.regions import has_box
from groundsight.replies.render import plain_caption
from groundsight.tasks import TASKS
from groundsight.tasks.base import TaskAnswer, gold_regions, label_verdict, picture_sizes
from groundsight.tasks.forgery_reasoning import EXPERT_OF

_UNKNOWN_EXPERT = {Verdict.AI_GENERATED: 0.75, Verdict.REAL: 0.25}
_BATCH_SIZE = 16


class RulesTeacher:
    """Writes replies by rule; the same seed writes the same.

    Args:
        seed: of the choice between phrasings.
        brief: the gold reply, without what is measured; there is one phrasing then.
    """

    def __init__(self, seed: int, *, brief: bool = False) -> None:
        self._seed, self._brief = seed, brief

    @property
    def info(self) -> EngineInfo:
        """Says that no model took part."""
        name = BRIEF if self._brief else RULES
        return EngineInfo(
            name=name, version=groundsight.__version__, settings={"written_by": "rules"}
        )

    @property
    def dialect(self) -> Dialect:
        """Pixels of the original pictures."""
        return PIXELS

    @property
    def batch_size(self) -> int:
        """Pictures that are open at a time."""
        return _BATCH_SIZE

    def write(self, lessons: Sequence[Lesson], decoding: Decoding) -> list[ChatReply]:
        """Replies in several phrasings; they differ in nothing else."""
        return [self._write(lesson, decoding.num_samples) for lesson in lessons]

    def close(self) -> None:
        """Nothing to let go."""

    def _write(self, lesson: Lesson, num_samples: int) -> ChatReply:
        sample = lesson.sample
        if sample.task not in _WRITERS:
            problem = Problem(code="no_rules", message=f"no rules for task {sample.task}")
            return ChatReply(problem=problem)
        if self._brief:
            gold = TASKS[sample.task].gold_reply(sample, self.dialect)
            return ChatReply(completions=(Completion(text=gold),) * num_samples)
        texts = []
        for number in range(num_samples):
            phrases = Phrases(make_rng(self._seed, "rules", sample.id, number), lesson.pictures)
            answer = _WRITERS[sample.task](sample, phrases)
            texts.append(TASKS[sample.task].render(answer, sample, self.dialect))
        return ChatReply(completions=tuple(Completion(text=text) for text in texts))


def _reason_in_five_steps(sample: Sample, phrases: Phrases) -> TaskAnswer:
    verdict = label_verdict(sample)
    captions = [plain_caption(region.description) for region in sample.regions]
    signs = [caption for caption in [*captions, *map(plain_caption, sample.tags)] if caption]
    reason = phrases.reason(verdict, signs)
    experts = {
        key: sample.experts.get(name, _UNKNOWN_EXPERT[verdict]) for key, name in EXPERT_OF.items()
    }
    reasoning = ForgeryReasoning(
        quick_scan=phrases.quick_scan(),
        detailed_observation=DetailedObservation(
            **{key: phrases.field(key) for key in DetailedObservation.model_fields}
        ),
        technical_analysis=TechnicalAnalysis(
            structure=phrases.field("structure"),
            surfaces=phrases.field("surfaces"),
            edges=phrases.field("outlines"),
            context=phrases.field("context"),
        ),
        specialist_analysis=SpecialistAnalysis(**experts),
        final_verdict=FinalVerdict(verdict=verdict, reason=reason),
    )
    think = " ".join([phrases.quick_scan(), phrases.opening(), phrases.tools(experts), reason])
    return TaskAnswer(verdict=verdict, reasoning=reasoning, think=think)


def _report_regions(sample: Sample, phrases: Phrases) -> TaskAnswer:
    gold = TASKS[sample.task].gold_answer(sample)
    size = picture_sizes(sample)[0]
    lines = [phrases.quick_scan(), phrases.opening(), phrases.field("outlines")]
    regions = tuple(
        region if region.description else replace(region, description=phrases.unnamed())
        for region in gold.regions
    )
    for region in regions:
        lines.append(phrases.points_at(region.description, place_words(region.xyxy_px, size)))
    lines.append(phrases.marks(len(regions)) if regions else phrases.finds_nothing())
    return TaskAnswer(verdict=gold.verdict, regions=regions, tags=gold.tags, think=" ".join(lines))


def _find_across_pictures(sample: Sample, phrases: Phrases) -> TaskAnswer:
    regions = gold_regions(sample)
    question = " ".join((sample.question or "").replace("<image>", "").split())
    asks = None if has_box(question) or len(question) > 300 else plain_caption(question)
    lines = [phrases.task_line(asks, len(sample.images)), *phrases.picture_lines()]
    sizes = picture_sizes(sample)
    for region in regions:
        where = place_words(region.xyxy_px, sizes[region.image_index])
        lines.append(phrases.lies_in(region.image_index + 1, where, region.description))
    if not regions:
        lines.append(phrases.shows_none())
    return TaskAnswer(regions=regions, nothing_found=not regions, think=" ".join(lines))


_WRITERS = {
    "forgery_reasoning": _reason_in_five_steps,
    "grounded_detection": _report_regions,
    "multi_image_grounding": _find_across_pictures,
}
