"""A detector of `groundsight.experts` as an engine: `--engine expert:NAME_OR_DIR`.

    engine = load_engine("expert:runs/npr")
    answer, = engine.examine([open_picture("photo.jpg")])

It looks at pixels alone: no metadata, no regions, no words. The verdict is the side of 0.5 on which
its `p_fake` lies; 0.5 itself accuses nobody and is REAL, as in `metrics.classification`.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from PIL import Image

import groundsight
from groundsight.core.errors import UsageError
from groundsight.core.report import EngineInfo, Evidence
from groundsight.core.types import Verdict
from groundsight.engines.base import Answer
from groundsight.engines.options import EngineOptions
from groundsight.vision.images import Picture

if TYPE_CHECKING:
    from groundsight.experts import Expert

DECIDED_AT = 0.5


class ExpertEngine:
    """One expert that decides alone.

    Args:
        expert: ready to score.
        batch_size: pictures that are scored together.
    """

    def __init__(self, expert: "Expert", *, batch_size: int = 8) -> None:
        self.expert = expert
        self.batch_size = batch_size

    @cached_property
    def info(self) -> EngineInfo:
        """Name, temperature and settings of the expert, and a hash of its weights."""
        from groundsight.experts.weights import state_sha256

        card, expert = self.expert.card, self.expert
        settings = {
            "expert": card.name,
            "temperature": expert.temperature,
            "decided_at": DECIDED_AT,
            "settings": expert.settings.model_dump(mode="json"),
            "backbone": expert.backbone,
        }
        return EngineInfo(
            name=f"expert:{card.name}",
            version=groundsight.__version__,
            weights_sha256=state_sha256(expert.network),
            settings=settings,
        )

    def examine(self, pictures: Sequence[Picture]) -> list[Answer]:
        """One answer a picture, in order."""
        scores = self.expert.score([Image.fromarray(picture.rgb) for picture in pictures])
        return [self._answer(float(p_fake)) for p_fake in scores]

    def _answer(self, p_fake: float) -> Answer:
        card = self.expert.card
        line = Evidence(
            kind="expert",
            name=card.name,
            p_fake=p_fake,
            finding=f"{card.title} gives AI-generated {p_fake:.2f}.",
        )
        verdict = Verdict.AI_GENERATED if p_fake > DECIDED_AT else Verdict.REAL
        return Answer(verdict=verdict, p_fake=p_fake, evidence=(line,))


def make_expert(argument: str, options: EngineOptions) -> ExpertEngine:
    """Load an expert as an engine.

    Args:
        argument: row of `EXPERTS`, folder of a trained one, or import path.
        options: device and batch size are looked at.

    Raises:
        UsageError: none named, unknown, or its weights are not there.
        MissingExtraError: torch is not installed.
    """
    from groundsight.experts import expert_names, load_expert

    if not argument:
        known = ", ".join(expert_names())
        raise UsageError(f"engine expert needs one: --engine expert:FOLDER, or of {known}")
    expert = load_expert(argument, device=options.device)
    return ExpertEngine(expert, batch_size=options.batch_size)
