"""The held-out questions as suites of `bench`, one a task.

start_bench(Job(suite=suite_path("grounded_detection"), data=Path("held_out.jsonl"), …))
"""

from dataclasses import replace

from groundsight.demo.settings import DemoTask
from groundsight.suites.explained import SUITE as EXPLAINED
from groundsight.suites.grounding import LISA

_TITLE = "Held-out pictures of the demo"

GROUNDED_DETECTION = replace(
    EXPLAINED,
    name="demo_grounded_detection",
    title=_TITLE,
    about="edited or not, where it shows, on photographs that nothing was trained on",
    source="samples",
    published=(),
)
MULTI_IMAGE_GROUNDING = replace(
    LISA,
    name="demo_multi_image_grounding",
    title=_TITLE,
    about="differences and common objects, on photographs that nothing was trained on",
    source="samples",
    published=(),
)


def suite_path(task: DemoTask) -> str:
    """The import path of a task's suite, as `groundsight bench run` takes it."""
    return f"{__name__}:{task.upper()}"
