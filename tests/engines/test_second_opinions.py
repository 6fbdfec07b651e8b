"""Experts beside an engine: lines, disagreement, nothing averaged."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.experts.toy_bright_expert import BrightExpert, make_trained, plain_picture, toy_card

from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo, Evidence, Reasoning
from groundsight.core.types import FinalVerdict, SpecialistAnalysis, Verdict
from groundsight.engines import EngineOptions, load_engine
from groundsight.engines.base import Answer
from groundsight.engines.expert import ExpertEngine
from groundsight.engines.second_opinions import (
    DISAGREEMENT,
    TAG,
    SecondOpinions,
    state_disagreement,
)
from groundsight.experts import save_expert
from groundsight.experts.base import AnyArray
from groundsight.vision.images import Picture, decode_picture


def picture(level: int, side: int = 24) -> Picture:
    buffer = io.BytesIO()
    plain_picture(level, side).save(buffer, "PNG")
    return decode_picture(buffer.getvalue(), "made.png")


def line(name: str, p_fake: float | None, kind: str = "expert") -> Evidence:
    return Evidence.model_validate({"kind": kind, "name": name, "p_fake": p_fake, "finding": "."})


def answer(verdict: Verdict, *lines: Evidence) -> Answer:
    return Answer(verdict=verdict, p_fake=0.2, evidence=lines)


class FixedEngine:
    """Says the same of every picture."""

    info = EngineInfo(name="fixed", version="test", settings={"a": 1})

    def __init__(self, said: Answer) -> None:
        self.said = said
        self.closed = False

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        return [self.said for _ in pictures]

    def close(self) -> None:
        self.closed = True


class BreaksOnGrey(BrightExpert):
    card = toy_card("breaks")

    def packed_views(self, picture: Image.Image) -> AnyArray:
        if picture.getpixel((0, 0)) == (128, 128, 128):
            raise ZeroDivisionError("on\ngrey")
        return super().packed_views(picture)


def test_verdict_and_probability_stay_the_engines_own() -> None:
    engine = FixedEngine(answer(Verdict.REAL, line("signal", 0.2)))
    said, agreed = SecondOpinions(engine, [ExpertEngine(make_trained())]).examine(
        [picture(255), picture(0)]
    )
    assert (said.verdict, said.p_fake) == (Verdict.REAL, 0.2)
    assert [one.name for one in said.evidence] == ["signal", "bright", DISAGREEMENT]
    assert said.evidence[1].p_fake is not None and said.evidence[1].p_fake > 0.9
    assert said.evidence[2].p_fake is None
    assert said.tags == (TAG,)
    assert [one.name for one in agreed.evidence] == ["signal", "bright"]
    assert agreed.tags == ()


def test_who_is_on_which_side_is_told_with_numbers() -> None:
    said = state_disagreement(
        answer(Verdict.REAL, line("signal", 0.2), line("npr", 0.912), line("aide", 0.99999))
    )
    told = said.evidence[-1]
    assert "npr (0.91), aide (0.99) for AI-generated" in told.finding
    assert "signal (0.20), the verdict for a photograph" in told.finding
    assert told.detail["for_generated"] == {"npr": 0.912, "aide": 0.99999}


@pytest.mark.parametrize(
    ("verdict", "lines", "disagrees"),
    [
        (Verdict.REAL, [("a", 0.1), ("b", 0.5)], False),  # 0.5 accuses nobody
        (Verdict.REAL, [("a", 0.51)], True),  # against the verdict alone
        (Verdict.INCONCLUSIVE, [("a", 0.9)], False),
        (Verdict.INCONCLUSIVE, [("a", 0.9), ("b", 0.1)], True),
        (Verdict.AI_GENERATED, [("a", 0.9), ("b", 0.6)], False),
        (Verdict.AI_GENERATED, [("a", None)], False),
        (Verdict.AI_GENERATED, [], False),
    ],
)
def test_disagreement_is_two_sides_of_a_half(
    verdict: Verdict, lines: list[tuple[str, float | None]], disagrees: bool
) -> None:
    before = answer(verdict, *(line(*one) for one in lines))
    assert (state_disagreement(before) != before) == disagrees


def test_marks_in_the_file_are_no_opinion() -> None:
    said = answer(Verdict.AI_GENERATED, line("c2pa", 0.1, "provenance"), line("npr", 0.9))
    assert state_disagreement(said) == said


def test_a_tag_is_given_once() -> None:
    said = replace(answer(Verdict.REAL, line("npr", 0.9)), tags=(TAG, "laundered"))
    assert state_disagreement(said).tags == (TAG, "laundered")


def test_an_expert_that_fails_on_one_picture_is_a_problem_of_that_one() -> None:
    engine = FixedEngine(answer(Verdict.REAL))
    experts = [ExpertEngine(BreaksOnGrey()), ExpertEngine(make_trained())]
    fine, grey = SecondOpinions(engine, experts).examine([picture(0), picture(128)])
    assert fine.problems == ()
    assert [one.name for one in fine.evidence[:2]] == ["breaks", "bright"]
    assert [one.code for one in grey.problems] == ["expert_failed"]
    assert "breaks: ZeroDivisionError: on grey" in grey.problems[0].message
    assert grey.evidence[0].name == "bright"


def test_an_expert_that_stands_twice_is_numbered() -> None:
    experts = [ExpertEngine(make_trained(4.0)), ExpertEngine(make_trained(-4.0))]
    engine = SecondOpinions(FixedEngine(answer(Verdict.INCONCLUSIVE)), experts)
    (said,) = engine.examine([picture(255)])
    assert [one.name for one in said.evidence] == ["bright-1", "bright-2", DISAGREEMENT]


def test_rule_written_reasoning_gets_the_probability_of_step_4() -> None:
    reasoning = Reasoning(
        written_by="rules",
        specialist_analysis=SpecialistAnalysis(prob_frequency=0.2),
        final_verdict=FinalVerdict(verdict=Verdict.REAL),
    )
    engine = FixedEngine(replace(answer(Verdict.REAL), reasoning=reasoning))
    (said,) = SecondOpinions(engine, [ExpertEngine(make_trained())]).examine([picture(255)])
    assert said.reasoning is not None
    assert said.reasoning.specialist_analysis.prob_dual == said.evidence[0].p_fake
    assert said.reasoning.specialist_analysis.prob_frequency == 0.2
    by_model = replace(engine.said, reasoning=reasoning.model_copy(update={"written_by": "model"}))
    (said,) = SecondOpinions(FixedEngine(by_model), [ExpertEngine(make_trained())]).examine(
        [picture(255)]
    )
    assert said.reasoning is not None
    assert said.reasoning.specialist_analysis.prob_dual is None


def test_experts_are_in_the_settings_so_that_a_resumed_run_notices_them() -> None:
    engine = FixedEngine(answer(Verdict.REAL))
    one = SecondOpinions(engine, [ExpertEngine(make_trained(1.0))]).info
    other = SecondOpinions(engine, [ExpertEngine(make_trained(2.0))]).info
    assert one.settings["a"] == 1
    assert one != other
    assert SecondOpinions(engine).info == engine.info


def test_closing_closes_the_engine() -> None:
    engine = FixedEngine(answer(Verdict.REAL))
    SecondOpinions(engine, [ExpertEngine(make_trained())]).close()
    assert engine.closed


def test_builtin_with_a_trained_folder(tmp_path: Path) -> None:
    folder = save_expert(make_trained(), tmp_path / "bright")
    engine = load_engine("builtin", EngineOptions(experts=(str(folder),)))
    (said,) = engine.examine([picture(255, 64)])
    assert "bright" in [one.name for one in said.evidence]
    (alone,) = load_engine("builtin").examine([picture(255, 64)])
    assert (said.verdict, said.p_fake) == (alone.verdict, alone.p_fake)


def test_a_folder_that_holds_no_expert_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of an expert"):
        load_engine("builtin", EngineOptions(experts=(str(tmp_path),)))


SCRIPTED = "tests.engines.test_reasoner:make_scripted"


def test_a_model_with_evidence_is_told_the_opinions(tmp_path: Path) -> None:
    folder = save_expert(make_trained(), tmp_path / "bright")
    options = EngineOptions(experts=(str(folder),), with_evidence=True)
    (said,) = load_engine(SCRIPTED, options).examine([picture(255, 64)])
    names = [one.name for one in said.evidence]
    assert names.count("bright") == 1
    told = next(one for one in said.evidence if one.kind == "reasoner").detail["told"]
    assert "expert, bright" in told
    assert DISAGREEMENT not in told
    assert DISAGREEMENT in names  # the model says REAL, bright is sure of the contrary


def test_a_model_without_evidence_is_told_nothing(tmp_path: Path) -> None:
    folder = save_expert(make_trained(), tmp_path / "bright")
    options = EngineOptions(experts=(str(folder),))
    (said,) = load_engine(SCRIPTED, options).examine([picture(255, 64)])
    assert [one.name for one in said.evidence if one.kind == "expert"] == ["bright", DISAGREEMENT]
    assert all("told" not in one.detail for one in said.evidence)
    assert said.verdict is Verdict.REAL
