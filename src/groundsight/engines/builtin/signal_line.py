"""What the signal expert says, as an evidence line and as regions."""

from groundsight.core.report import Evidence, Region
from groundsight.engines.builtin.verdict import HIGH, LOW
from groundsight.forensics.signal.expert import NAME, SignalScore
from groundsight.forensics.where import Why, find_where
from groundsight.vision.images import RGBArray

CAPTIONS = {
    Why.SEAM: "straight seams on all four sides: pasted in, or a frame",
    Why.UNLIKE_THE_REST: "finest structure unlike the rest, more like a generator's",
    Why.STRONGEST: "finest structure most like a generator's",
}
SOURCES = {Why.SEAM: "seams", Why.UNLIKE_THE_REST: NAME, Why.STRONGEST: NAME}


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


def regions_of(rgb: RGBArray, score: SignalScore) -> tuple[Region, ...]:
    """Where the picture stands out, as the report tells it.

    Args:
        rgb: (H, W, 3) uint8, the original picture.
        score: what the signal expert said of it.
    """
    return tuple(
        Region(
            xyxy_px=region.xyxy_px,
            description=CAPTIONS[region.why],
            score=region.score,
            source=SOURCES[region.why],
        )
        for region in find_where(rgb, score)
    )
