"""Benchmarks: one file each, one row here.

    suite = SUITES["mig_bench"]
    scores = [suite.score(sample, replies[sample.id]) for sample in suite.samples(path)]
    figures = suite.summary(scores)

Adding one: a `base.Suite` in a file of this folder, a row, a test that its gold replies earn full
marks, and a line in docs/suites.md. One from outside needs no row: `my_package.mod:MY_SUITE`.
"""

from groundsight.core.table import Table
from groundsight.suites.base import Figure, Found, Interval, PublishedRow, SampleScore, Suite

__all__ = ["SUITES", "Figure", "Found", "Interval", "PublishedRow", "SampleScore", "Suite"]

SUITES: Table[Suite] = Table(
    "suite",
    {
        "genimage": "groundsight.suites.genimage:SUITE",
        "loki": "groundsight.suites.loki:SUITE",
        "loki_open": "groundsight.suites.explained:LOKI_OPEN",
        "fakexplained": "groundsight.suites.explained:SUITE",
        "loki_pairs": "groundsight.suites.loki:PAIRS",
        "mig_bench": "groundsight.suites.mig_bench:SUITE",
        "mc_bench": "groundsight.suites.mc_bench:SUITE",
        "lisa": "groundsight.suites.grounding:LISA",
        "revos": "groundsight.suites.grounding:REVOS",
        "ref_l4": "groundsight.suites.grounding:REF_L4",
        "odinw": "groundsight.suites.grounding:ODINW",
        "blink": "groundsight.suites.blink:SUITE",
        "mmiu": "groundsight.suites.mmiu:SUITE",
        "fakeclue": "groundsight.suites.folders:FAKECLUE",
        "chameleon": "groundsight.suites.folders:CHAMELEON",
        "gpt_image_1": "groundsight.suites.folders:GPT_IMAGE",
        "faceforensics": "groundsight.suites.folders:FACEFORENSICS",
        "mmfr": "groundsight.suites.folders:MMFR",
        "folder": "groundsight.suites.folders:FOLDER",
        "table": "groundsight.suites.folders:TABLE",
        "samples": "groundsight.suites.folders:SAMPLES",
        "explained": "groundsight.suites.explained:SAMPLES",
        "grounding": "groundsight.suites.grounding:SAMPLES",
    },
)
