"""Pictures as they are judged: codec-matched, by the very views that an expert scores with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from groundsight.core.errors import UsageError
from groundsight.experts.base import AnyArray, Expert
from groundsight.experts.batching import mean_logits
from groundsight.experts.signal.pictures import FitPicture
from groundsight.experts.signal.views import protocol_view
from groundsight.train.experts.batches import open_bounded

BLOCK = 64
"Pictures whose views are in memory at once when they are not kept."


@dataclass(frozen=True, eq=False, kw_only=True)
class LogitTable:
    """Pictures that could be read, and what an expert says of them.

    Args:
        pictures: in order.
        logits: (N,) float32, before the temperature.
        num_unreadable: pictures that are left out.
    """

    pictures: tuple[FitPicture, ...]
    logits: npt.NDArray[np.float32]
    num_unreadable: int = 0

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(N,) 1 = generated."""
        return np.array([one.label for one in self.pictures], dtype=np.int64)


def matched_picture(picture: FitPicture) -> Image.Image | None:
    """A picture after the codec that both classes pass: at most 1024 px, JPEG 80-95.

    Returns:
        RGB; None where it cannot be read.
    """
    image = open_bounded(picture)
    return None if image is None else protocol_view(image, picture.key)


@dataclass(frozen=True, eq=False)
class PackedPictures:
    """Views of pictures that are scored again and again, kept in memory.

    Args:
        pictures: those that could be read.
        packed: their views.
    """

    pictures: tuple[FitPicture, ...]
    packed: list[AnyArray]

    @classmethod
    def of(cls, expert: Expert, pictures: Sequence[FitPicture]) -> "PackedPictures":
        """Open and pack.

        Raises:
            UsageError: pictures of one class only are left.
        """
        images = [(one, matched_picture(one)) for one in pictures]
        readable = [(one, image) for one, image in images if image is not None]
        if {one.label for one, _ in readable} != {0, 1}:
            raise UsageError(
                f"of {len(pictures)} held-out pictures {len(readable)} can be read, of one class "
                "only: both are needed"
            )
        return cls(
            tuple(one for one, _ in readable),
            [expert.packed_views(image) for _, image in readable],
        )

    def score(self, expert: Expert) -> LogitTable:
        """What an expert says of them now."""
        return LogitTable(pictures=self.pictures, logits=mean_logits(expert, self.packed))


def score_pictures(expert: Expert, pictures: Sequence[FitPicture]) -> LogitTable:
    """What an expert says of pictures that have passed one codec; a block in memory at a time."""
    kept: list[FitPicture] = []
    logits: list[npt.NDArray[np.float32]] = []
    for start in range(0, len(pictures), BLOCK):
        block = [(one, matched_picture(one)) for one in pictures[start : start + BLOCK]]
        readable = [(one, image) for one, image in block if image is not None]
        kept += [one for one, _ in readable]
        if readable:
            logits.append(expert.score_logits([image for _, image in readable]))
    return LogitTable(
        pictures=tuple(kept),
        logits=np.concatenate(logits) if logits else np.zeros(0, np.float32),
        num_unreadable=len(pictures) - len(kept),
    )
