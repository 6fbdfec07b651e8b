"""What the signal expert says, as an evidence line and as regions."""

from groundsight.core.report import Evidence, Region
from groundsight.engines.builtin.verdict import HIGH, LOW
from groundsight.forensics.signal.expert import NAME, SignalScore
from groundsight.forensics.signal.regions import find_regions

RELATIVE = "finest structure most like a generator's"
ODD = "finest structure unlike the rest, more like a generator's"


def leaning_words(p_fake: float) -> str:
    """What the finest structure looks like, in words that follow it."""
    if p_fake >= HIGH:
        return "looks like that of AI-generated pictures"
    if p_fake <= LOW:
        return "looks like that of photographs"
    return "fits neither photographs nor AI-generated pictures well"


def signal_evidence(score: SignalScore) -> Evidence:
    """The line; its detail holds the log-odds of the parts, before calibration."""
    if score.p_fake is None:
        finding = f"The finest structure of the pixels could not be judged: {score.why_not}."
    else:
        finding = f"The finest structure of the pixels {leaning_words(score.p_fake)}."
    parts = {name: round(logit, 4) for name, logit in score.parts.items()}
    return Evidence(
        kind="expert",
        name=NAME,
        p_fake=score.p_fake,
        finding=finding,
        detail={"log_odds": parts} if parts else {},
    )


def signal_regions(score: SignalScore, width: int, height: int) -> tuple[Region, ...]:
    """Where the picture's finest structure stands out.

    Args:
        score: of the whole picture.
        width: of the original picture, pixels.
        height: likewise.
    """
    return tuple(
        Region(
            xyxy_px=region.xyxy_px,
            description=RELATIVE if region.relative else ODD,
            score=region.score,
            source=NAME,
        )
        for region in find_regions(score, width, height)
    )
