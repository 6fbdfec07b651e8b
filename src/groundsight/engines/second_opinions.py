"""Experts beside an engine: a line each, and a line that says where they disagree.

    engine = SecondOpinions(load_engine("builtin"), [make_expert("runs/npr", EngineOptions())])
    answer, = engine.examine([open_picture("photo.jpg")])
    [line.name for line in answer.evidence]      # …, "signal", "npr", "disagreement"

The verdict and its p_fake stay the engine's own: opinions are stated beside it, never averaged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from groundsight.core.report import EngineInfo, Evidence, Problem
from groundsight.core.types import SpecialistAnalysis, Verdict
from groundsight.engines.base import Answer, Engine, batch_size_of, close_engine
from groundsight.engines.expert import DECIDED_AT, ExpertEngine
from groundsight.vision.images import Picture

DISAGREEMENT = "disagreement"
"Name of the line, in the report's evidence."
TAG = "evidence-disagrees"
_STEPS = {"semantic": "prob_semantic", "frequency": "prob_frequency", "dual": "prob_dual"}
"What an expert sees → its place in step 4 of the Forgery Reasoning Prompt."


@dataclass(frozen=True)
class SecondOpinions:
    """An engine with experts beside it.

    Args:
        engine: whose verdict it is.
        experts: whose lines are added, in order; one alone may fail without harm to the rest.
        states: whether a line says where lines and verdict disagree.
    """

    engine: Engine
    experts: Sequence[ExpertEngine] = ()
    states: bool = True

    @cached_property
    def info(self) -> EngineInfo:
        """The engine's, with the experts among its settings."""
        if not self.experts:
            return self.engine.info
        told = [one.info.model_dump(mode="json") for one in self.experts]
        settings = {**self.engine.info.settings, "second_opinions": told}
        return self.engine.info.model_copy(update={"settings": settings})

    @property
    def batch_size(self) -> int:
        """The largest of engine and experts."""
        return max(batch_size_of(one) for one in (self.engine, *self.experts))

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        """The engine's answers, each with the experts' lines."""
        answers = self.engine.examine(pictures)
        for name, expert in zip(self._names, self.experts, strict=True):
            opinions = _ask(expert, name, pictures)
            pairs = zip(answers, opinions, strict=True)
            answers = [_with(answer, opinion, expert) for answer, opinion in pairs]
        return [state_disagreement(answer) for answer in answers] if self.states else answers

    def close(self) -> None:
        """Let the engine go."""
        close_engine(self.engine)

    @property
    def _names(self) -> list[str]:
        """Of the lines: the expert's, numbered where one stands twice."""
        names = [one.expert.card.name for one in self.experts]
        return [
            name if names.count(name) == 1 else f"{name}-{names[: at + 1].count(name)}"
            for at, name in enumerate(names)
        ]


def state_disagreement(answer: Answer) -> Answer:
    """Add a line where lines of experts, the model's own and the verdict are not of one mind.

    A line is for AI-generated above 0.5; INCONCLUSIVE and lines without p_fake say nothing.
    """
    generated, real = _sides(answer)
    if not generated or not real:
        return answer
    finding = (
        f"Not of one mind: {_told(generated)} for AI-generated, {_told(real)} for a photograph. "
        "Nothing is averaged: the verdict is the engine's own."
    )
    detail = {"for_generated": dict(generated), "for_real": dict(real), "decided_at": DECIDED_AT}
    line = Evidence(kind="expert", name=DISAGREEMENT, finding=finding, detail=detail)
    tags = answer.tags if TAG in answer.tags else (*answer.tags, TAG)
    return replace(answer, evidence=_after_experts(answer.evidence, line), tags=tags)


def _sides(answer: Answer) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Who is for AI-generated and who is for a photograph, with p_fake."""
    sides: tuple[dict[str, float | None], dict[str, float | None]] = ({}, {})
    for line in answer.evidence:
        if line.kind in ("expert", "reasoner") and line.p_fake is not None:
            sides[line.p_fake <= DECIDED_AT][line.name] = line.p_fake
    if answer.verdict is not Verdict.INCONCLUSIVE and (sides[0] or sides[1]):
        sides[answer.verdict is Verdict.REAL]["the verdict"] = None
    return sides


def _told(side: dict[str, float | None]) -> str:
    # Two decimals, never rounded to certainty.
    said = (
        name if p is None else f"{name} ({min(max(p, 0.01), 0.99):.2f})" for name, p in side.items()
    )
    return ", ".join(said)


def _ask(expert: ExpertEngine, name: str, pictures: Sequence[Picture]) -> list[Evidence | Problem]:
    """A line a picture, or what went wrong with it."""
    try:
        answers = expert.examine(pictures)
        return [one.evidence[0].model_copy(update={"name": name}) for one in answers]
    except MemoryError:
        raise
    except Exception as error:  # a network on a hostile picture; the rest of the report stands
        if len(pictures) > 1:
            return [said for one in pictures for said in _ask(expert, name, [one])]
        text = " ".join(f"{name}: {type(error).__name__}: {error}".split())[:300]
        return [Problem(code="expert_failed", message=text)]


def _with(answer: Answer, opinion: Evidence | Problem, expert: ExpertEngine) -> Answer:
    if isinstance(opinion, Problem):
        return replace(answer, problems=(*answer.problems, opinion))
    evidence = _after_experts(answer.evidence, opinion)
    return _in_step_4(replace(answer, evidence=evidence), opinion.p_fake, expert)


def _in_step_4(answer: Answer, p_fake: float | None, expert: ExpertEngine) -> Answer:
    """The probability in the rules' own reasoning, where its place is free."""
    reasoning = answer.reasoning
    place = _STEPS.get(expert.expert.card.sees)
    if reasoning is None or reasoning.written_by != "rules" or place is None:
        return answer
    step: SpecialistAnalysis = reasoning.specialist_analysis
    if getattr(step, place) is not None:
        return answer
    told = reasoning.model_copy(
        update={"specialist_analysis": step.model_copy(update={place: p_fake})}
    )
    return replace(answer, reasoning=told)


def _after_experts(lines: tuple[Evidence, ...], new: Evidence) -> tuple[Evidence, ...]:
    """Behind the last line of an expert, or of any kind that the report tells before experts."""
    before = ("provenance", "metadata", "watermark", "expert")
    at = max((i + 1 for i, line in enumerate(lines) if line.kind in before), default=0)
    return (*lines[:at], new, *lines[at:])
