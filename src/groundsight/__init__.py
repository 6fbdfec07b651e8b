"""groundsight: multimodal reasoning about pictures with evidence you can point at.

    from groundsight import detect_picture
    report = detect_picture("photo.jpg")
    print(report.verdict, report.p_fake, report.evidence)

Names are loaded on first use, so `import groundsight` brings in neither torch nor scipy.
Floors (imports go only downward): core < vision, data, replies < tasks, rewards, curricula,
suites, metrics, synth, forensics < models, experts, engines < objectives < train, bench, detect,
demo < cli, serve.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundsight.core.report import Report
    from groundsight.detect.job import Job, detect_pictures
    from groundsight.detect.one import detect_picture
    from groundsight.vision.images import Picture, open_picture

__version__ = "0.1.0"

_HOME = {
    "Job": "groundsight.detect.job",
    "Picture": "groundsight.vision.images",
    "Report": "groundsight.core.report",
    "detect_picture": "groundsight.detect.one",
    "detect_pictures": "groundsight.detect.job",
    "open_picture": "groundsight.vision.images",
}
__all__ = [
    "Job",
    "Picture",
    "Report",
    "__version__",
    "detect_picture",
    "detect_pictures",
    "open_picture",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'groundsight' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return __all__
