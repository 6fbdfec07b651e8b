"""The toy engine with another threshold: from a brightness of 90 on it says generated."""

from collections.abc import Sequence
from dataclasses import replace

from tests.detect.toy_engine import ToyEngine

from groundsight.core.types import Verdict
from groundsight.engines import Answer
from groundsight.vision.images import Picture

DARK = 90 / 255


class DarkEngine(ToyEngine):
    """p_fake is the toy's."""

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        return [
            replace(
                answer,
                verdict=Verdict.AI_GENERATED
                if (answer.p_fake or 0) >= DARK - 1e-9
                else Verdict.REAL,
            )
            for answer in super().examine(pictures)
        ]


def make_dark(argument: str) -> DarkEngine:
    return DarkEngine(argument)
