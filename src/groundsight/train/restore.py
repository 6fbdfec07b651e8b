"""Weights of a checkpoint back into a model that is being trained.

transformers' Trainer saves vision-language models under their published parameter names and reads
them back under the names in memory, which differ: what does not match is left as it was, with a
warning. Here they are read as `from_pretrained` reads them, and nothing may be missing.
"""

from pathlib import Path
from typing import Any

from groundsight.core.errors import UsageError
from groundsight.train.starting_model import keep_beside


def holds_whole_weights(checkpoint: Path) -> bool:
    """Whether a checkpoint has a model's own weights, not an adapter's or a shard's."""
    names = ("model.safetensors", "model.safetensors.index.json")
    return any((checkpoint / name).exists() for name in names)


def restore_weights(model: Any, checkpoint: Path) -> None:
    """Load every weight, bit for bit.

    Args:
        model: of transformers, without an adapter, not split over processes.
        checkpoint: folder that `save_pretrained` wrote.

    Raises:
        UsageError: the checkpoint is of another model, or cannot be read.
    """
    try:
        saved = type(model).from_pretrained(checkpoint, dtype=model.dtype, use_safetensors=True)
        model.load_state_dict(saved.state_dict(), strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"cannot resume from {checkpoint}: {reason}") from error


class WholeCheckpoints:
    """Beside a trainer of ours: its checkpoints are folders that load by themselves.

    They hold what the model was loaded with, its processor above all, and are read back as this
    module says.
    """

    def _save(self: Any, output_dir: str | None = None, state_dict: Any = None) -> None:
        trainer: Any = super()
        trainer._save(output_dir, state_dict)
        if self.is_world_process_zero():
            keep_beside(Path(output_dir or self.args.output_dir), self.start)

    def _load_from_checkpoint(self: Any, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        split = self.is_fsdp_enabled or self.is_deepspeed_enabled
        if split or not holds_whole_weights(folder):
            trainer: Any = super()
            trainer._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            restore_weights(self.accelerator.unwrap_model(self.model), folder)
