"""Stage 3: the model to begin with, a pretrained nano reasoner; its card says what it saw."""

from hashlib import sha256

from groundsight.demo.models import put_base
from groundsight.demo.settings import DemoSettings
from groundsight.demo.stage import Stage, Tree, Work
from groundsight.models.shipped import shipped_base

MODEL = "model"


def take_base(work: Work) -> Tree:
    """Copy it, so that the demo's folder holds all that it needs."""
    settings = work.settings
    origin = put_base(work.folder / MODEL, base=settings.base, seed=settings.seed)
    work.say(f"  from {origin}")
    return {"origin": origin}


def _depends(settings: DemoSettings) -> Tree:
    source = settings.base or shipped_base()
    weights = None if source is None else source / "model.safetensors"
    if weights is None or not weights.is_file():
        return {"base": str(source), "seed": settings.seed}
    return {"weights_sha256": sha256(weights.read_bytes()).hexdigest()}


STAGE = Stage(
    name="base",
    title="Base: the model to begin with",
    folder="3-base",
    depends=_depends,
    work=take_base,
    command=lambda _: "",
    resumes=False,
)
