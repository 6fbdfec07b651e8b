"""Score replies with a paper's rubric, without a model: python examples/score_replies.py."""

from pathlib import Path

from groundsight.core.types import ImageRef, Sample, SampleRegion
from groundsight.replies.reply import parse_reply
from groundsight.rewards.base import Attempt, Question
from groundsight.rewards.rubric import load_rubric

RECIPE = Path(__file__).parents[1] / "recipes" / "fakexplained_linear.toml"
SAMPLE = Sample(
    id="portrait",
    images=(ImageRef(path="portrait.jpg", width=560, height=420),),
    task="grounded_detection",
    label=1,
    regions=(SampleRegion(xyxy=(140, 140, 280, 210), description="the hand has six fingers"),),
)
REPLIES = {
    "right": "<think>I count fingers.\n[140, 140, 280, 210]: six fingers</think>"
    "<tag>anatomy</tag><verdict>fake</verdict>",
    "box too large": "<think>I count fingers.\n[0, 0, 560, 420]: six fingers</think>"
    "<tag>anatomy</tag><verdict>fake</verdict>",
    "wrong": "<think>I see nothing.</think><tag></tag><verdict>real</verdict>",
    "cut off": "<think>I count fingers.\n[140, 140, 280, 210]: six fin",
}


def main() -> None:
    """Print every part and the total of each reply."""
    rubric = load_rubric(RECIPE)
    question = Question(SAMPLE, rubric.config.dialect)
    for name, text in REPLIES.items():
        score = rubric.score(Attempt(parse_reply(text), question))
        scored = [(part, value) for part, value in score.parts.items() if value is not None]
        parts = ", ".join(f"{part} {value:+.2f}" for part, value in scored)
        print(f"{name:<14} total {score.total:+.2f}  ({parts})")


if __name__ == "__main__":
    main()
