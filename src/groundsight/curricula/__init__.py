"""What is trained on next, and with which reward weights, as functions of progress. No tensors.

    curriculum = Curriculum.build(recipe.curriculum, items=pass_rates)
    curriculum.settings(Progress(step=10, num_steps=100))   # {"grounding": {"weight": 0.55}}
    curriculum.draw(32)                                      # ids of the next questions
    curriculum.admit(outcome)                                # False: the group teaches nothing
    curriculum.group_weight(outcome)                         # factor on the group's advantages
    curriculum.observe(outcome)

Choosing the next question (sampler), admitting a finished group (gate), weighting it and moving the
reward weights (schedule) are separate parts. Each is a row of one of the tables below, has a frozen
config keyed by `type`, and resumes exactly from its `state_dict`, which is plain JSON.
"""

from groundsight.core.table import Table
from groundsight.curricula.base import PartConfig

SCHEDULES: Table[type[PartConfig]] = Table(
    "schedule",
    {
        "constant": "groundsight.curricula.schedules:ConstantConfig",
        "staged": "groundsight.curricula.schedules:StagedConfig",
        "linear": "groundsight.curricula.schedules:LinearConfig",
    },
)
SAMPLERS: Table[type[PartConfig]] = Table(
    "sampler",
    {
        "shuffle": "groundsight.curricula.shuffle:ShuffleConfig",
        "difficulty_pool": "groundsight.curricula.difficulty_pool:DifficultyPoolConfig",
    },
)
GATES: Table[type[PartConfig]] = Table(
    "gate",
    {
        "open": "groundsight.curricula.gates:OpenGateConfig",
        "advantage": "groundsight.curricula.gates:AdvantageGateConfig",
    },
)
GROUP_WEIGHTS: Table[type[PartConfig]] = Table(
    "group weight",
    {
        "equal": "groundsight.curricula.group_weights:EqualWeightConfig",
        "difficulty": "groundsight.curricula.group_weights:DifficultyWeightConfig",
    },
)
