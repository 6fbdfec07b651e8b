"""The same pipeline by hand: the demo's own stages, and Qwen2.5-VL-7B on a GPU."""

from collections.abc import Mapping

from groundsight.demo.settings import SUITE_OF, DemoTask
from groundsight.demo.stage import StageRecord

_MODEL = "Qwen/Qwen2.5-VL-7B-Instruct"
_TEACHER = "openai:http://localhost:8000/v1#Qwen/Qwen2.5-VL-72B-Instruct"
_RECIPES: dict[DemoTask, tuple[str, str]] = {
    "grounded_detection": ("fakexplained_sft", "fakexplained_linear"),
    "multi_image_grounding": ("multi_image_grounding_sft", "multi_image_grounding_grpo"),
}
_DATA: dict[DemoTask, tuple[str, ...]] = {
    "grounded_detection": (
        "groundsight synth edits PHOTOS --num 20000 --out data --workers 16",
        "groundsight audit data/train.jsonl --out audit",
    ),
    "multi_image_grounding": (
        "groundsight synth questions BOXES.jsonl --num 20000 --out data --workers 16",
    ),
}
_PASSES: dict[DemoTask, str] = {
    "grounded_detection": "--pass-part grounding --pass-at 0.3",
    "multi_image_grounding": "--pass-part iou --pass-at 0.5",
}
_TRY: dict[DemoTask, str] = {
    "grounded_detection": (
        "groundsight detect --engine hf:runs/model --task grounded_detection PHOTO"
    ),
    "multi_image_grounding": (
        'groundsight ground --engine hf:runs/model --image A --image B "QUESTION"'
    ),
}


def by_hand(done: Mapping[str, StageRecord]) -> list[tuple[str, str]]:
    """Stage and command, for every stage that has one."""
    return [(name, record.command) for name, record in done.items() if record.command]


def on_a_gpu(task: DemoTask) -> list[str]:
    """Commands for a model of the papers' size; words in capitals are the reader's own."""
    sft, grpo = _RECIPES[task]
    return [
        *_DATA[task],
        f"groundsight synthesize data/train.jsonl --teacher {_TEACHER} --out cold",
        f"groundsight train sft recipes/{sft}.toml --set @recipes/variants/sft_1gpu_lora.toml "
        f"--set model.name={_MODEL} --set data.train=cold/kept.jsonl --out runs/sft",
        "groundsight merge runs/sft/final --out runs/merged",
        f"groundsight curate data/train.jsonl --engine hf:runs/merged --recipe recipes/{grpo}.toml "
        f"{_PASSES[task]} --out rl",
        f"groundsight train grpo recipes/{grpo}.toml --set @recipes/variants/grpo_1gpu_lora.toml "
        f"--set model.name={_MODEL} --set model.start=runs/merged "
        "--set data.train=rl/kept.jsonl --out runs/grpo",
        "groundsight merge runs/grpo/final --base runs/merged --out runs/model",
        f"groundsight bench run {SUITE_OF[task]} --data data/test.jsonl "
        "--engine hf:runs/model --out runs/bench",
        _TRY[task],
    ]
