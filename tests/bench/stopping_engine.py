"""The toy engine, with somebody who presses Ctrl-C at its fifth picture, once."""

from collections.abc import Sequence
from pathlib import Path

from tests.detect.toy_engine import ToyEngine

from groundsight.engines import Answer
from groundsight.vision.images import Picture


class StoppingEngine(ToyEngine):
    """The argument is a file that says that it happened."""

    def __init__(self, marker: str) -> None:
        super().__init__()
        self.marker, self.num = Path(marker), 0

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        self.num += 1
        if self.num == 5 and not self.marker.exists():
            self.marker.touch()
            raise KeyboardInterrupt
        return super().examine(pictures)


def make_stopping(argument: str) -> StoppingEngine:
    return StoppingEngine(argument)
