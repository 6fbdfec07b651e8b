"""The page on rewards and curricula is what its script writes."""

import runpy
from pathlib import Path

from groundsight.rewards import REWARDS
from groundsight.rewards.hacks import HACKS

ROOT = Path(__file__).parents[2]


def test_the_page_equals_the_code() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "rewards_reference.py"))
    written = script["TARGET"].read_text(encoding="utf-8")
    assert written == script["make_reference"](), "run: python scripts/rewards_reference.py"
    for name in (*REWARDS, *(hack.name for hack in HACKS)):
        assert f"`{name}`" in written
