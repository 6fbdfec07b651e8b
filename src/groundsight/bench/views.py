"""A sample's pictures under a perturbation, and its truth moved along."""

from dataclasses import dataclass

from groundsight.core.types import Sample
from groundsight.replies.regions import scan_regions
from groundsight.replies.sections import Layout
from groundsight.vision.images import Limits, Picture, decode_picture
from groundsight.vision.perturbations import Placement, move_sample, perturb

REGION_LOST = "region_lost"
BOXES_IN_QUESTION = "boxes_in_question"


@dataclass(frozen=True)
class Lost:
    """Why a sample has no answer any more under a perturbation."""

    code: str
    message: str


def perturbed(
    sample: Sample, pictures: tuple[Picture, ...], name: str, limits: Limits, *, seed: int
) -> tuple[Sample, tuple[Picture, ...]] | Lost:
    """The sample as it is true of its perturbed pictures, and these.

    Args:
        sample: with the sizes of its pictures.
        pictures: as they are.
        name: a row of `vision.perturbations.PERTURBATIONS`.
        limits: what is refused before decoding what came out.
        seed: draws places, factors and noise.

    Raises:
        PictureError: what came out is refused.
    """
    placements: dict[int, Placement] = {}
    shown = []
    for index, picture in enumerate(pictures):
        again = perturb(picture, name, seed=seed)
        placements[index] = again.placement
        shown.append(decode_picture(again.data, picture.path, limits))
    cut = not all(placement.is_whole for placement in placements.values())
    if cut and _has_boxes(sample.question):
        return Lost(BOXES_IN_QUESTION, "the question has boxes of the whole picture")
    moved = move_sample(sample, placements)
    if moved.num_lost and len(moved.sample.regions) == 0:
        return Lost(REGION_LOST, "no region that is asked for is in view any more")
    return _with_answer_moved(sample, moved.sample), tuple(shown)


def _has_boxes(question: str | None) -> bool:
    return bool(question) and bool(scan_regions(str(question), Layout((), ())).regions)


def _with_answer_moved(was: Sample, now: Sample) -> Sample:
    """A box that a benchmark keeps beside the regions, in fractions, says where the region is now.

    MIG-Bench's own figures are taken against `extra["answer"]`.
    """
    answer = was.extra.get("answer")
    if not isinstance(answer, list) or len(answer) != 4 or len(now.regions) != 1:
        return now
    region = now.regions[0]
    image = now.images[region.image_index]
    width, height = float(image.width or 1), float(image.height or 1)
    x0, y0, x1, y1 = region.xyxy
    moved = [x0 / width, y0 / height, x1 / width, y1 / height]
    return now.model_copy(update={"extra": now.extra | {"answer": moved}})
