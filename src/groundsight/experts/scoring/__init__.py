"""Many pictures through experts: opening, views and networks side by side on all cores.

for item, outcome in score_many(items, open_one, {"npr": expert}):
outcome.p_fake          # {"npr": 0.93}; empty where the picture could not be read
with start_scoring(samples, experts, out=Path("scored.jsonl"), resume=True) as run:
for sample, outcome in run: ...
"""

from groundsight.experts.scoring.many import Outcome, score_many
from groundsight.experts.scoring.samples import ScoreRun, start_scoring

__all__ = ["Outcome", "ScoreRun", "score_many", "start_scoring"]
