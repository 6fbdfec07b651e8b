"""Shared prompts behind TRL's trainer: rollouts, and log-probabilities by the packed call.

    sharing, why_not = Sharing.for_model(model, stop_strings=("</answer>",))
    trainer = GroundsightGRPOTrainer(…, sharing=sharing)

The packed call goes through the wrapped model (DDP, FSDP, DeepSpeed, PEFT, autocast), so gradients
are still averaged and split weights still gathered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from groundsight.core.errors import UsageError
from groundsight.core.seeds import derive_seed
from groundsight.models.decoding import Prompt, Sampling, Stops, decode, read_weights, why_not_own
from groundsight.models.decoding.pictures import PictureFeatures
from groundsight.models.decoding.weights import DecoderWeights
from groundsight.models.shared_prefix import (
    FeatureCache,
    Proof,
    completion_logps,
    prove_equal,
    unsupported_reason,
)
from groundsight.models.shared_prefix.features import cache_refusal
from groundsight.models.shared_prefix.unwrap import unwrap
from groundsight.train.grpo.packing import ActiveRows, live_rows, pack_rows
from groundsight.train.grpo.questions import EncodedPrompt
from groundsight.train.grpo.rounds import PROMPT_OF_ROW, PROMPTS, Batch, Round

OFF = "grpo.share_prefix=false"


@dataclass(frozen=True, kw_only=True)
class SharingSettings:
    """What of sharing can be chosen.

    Args:
        stop_strings: texts that end a completion as soon as they are written.
        feature_cache_bytes: for pictures' features while the tower is frozen; 0: none.
        prove: compare with TRL's path on the first batch of a run.
        own_rollouts: sample with `models.decoding` where it knows the model.
    """

    stop_strings: tuple[str, ...] = ()
    feature_cache_bytes: int = 4 << 30
    prove: bool = True
    own_rollouts: bool = True


_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Sharing:
    """How one trainer shares prompts.

    Args:
        settings: see there.
    """

    def __init__(self, settings: SharingSettings = SharingSettings()) -> None:
        self.settings = settings
        self.decodes = False
        self.proof: Proof | None = None
        self.num_stopped = 0
        "Completions of the last round that a stop string ended."
        self._features: FeatureCache | None = None
        self._known: set[str] = set()
        self._trainer: Any = None
        self._may_skip = False
        self._num_rows = self._num_skipped = 0

    def attach(self, trainer: Any) -> None:
        """Take a place behind a trainer."""
        self._trainer = trainer
        # Where weights are gathered layer by layer, every process walks through every layer.
        whole = not (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled)
        self._may_skip = whole and not trainer._entropy_bonus_enabled
        self.decodes = (
            self.settings.own_rollouts
            and whole
            and not trainer.use_vllm
            and why_not_own(trainer.model) is None
        )
        if self.settings.feature_cache_bytes and cache_refusal(trainer.model) is None:
            # On the CPU: the accelerator's memory is for training.
            self._features = FeatureCache(self.settings.feature_cache_bytes, device="cpu")

    # --- rollouts --------------------------------------------------------------------------------

    def roll_out(self, here: Round, prompts: Sequence[EncodedPrompt]) -> list[list[int]]:
        """Completions of this process's rows, in order."""
        trainer = self._trainer
        model = trainer.accelerator.unwrap_model(trainer.model_wrapped)
        asked = [
            self._prompt(model, prompt, key) for prompt, key in zip(prompts, here.keys, strict=True)
        ]
        sampling = Sampling(
            max_new_tokens=trainer.max_completion_length,
            temperature=trainer.temperature,
            top_k=trainer.top_k or 0,
            top_p=trainer.top_p,
            min_p=trainer.min_p or 0.0,
            repetition_penalty=trainer.repetition_penalty,
            num_samples=max(here.num_rows_of(prompt) for prompt in range(len(prompts))),
            seed=derive_seed(trainer.args.seed, "rollout"),
        )
        stops = Stops(eos_ids=frozenset(trainer.eos_token_ids), strings=self.settings.stop_strings)
        weights = drawing_weights(trainer, model)
        decoded = decode(
            model, asked, sampling, stops, tokenizer=trainer._tokenizer, weights=weights
        )
        replies = [iter(of_prompt) for of_prompt in decoded.replies]
        rows = [next(replies[prompt]) for prompt in here.prompt_of_row]
        self.num_stopped = sum(row.stopped_by == "string" for row in rows)
        return [list(row.ids) for row in rows]

    def _prompt(self, model: Any, prompt: EncodedPrompt, key: str) -> Prompt:
        return Prompt(
            input_ids=prompt.input_ids,
            pixel_values=prompt.pixel_values,
            image_grid_thw=prompt.image_grid_thw,
            features=self._features_of(model, prompt),
            key=key,
        )

    def _features_of(self, model: Any, prompt: EncodedPrompt) -> PictureFeatures | None:
        """Features of a frozen tower, each picture encoded alone.

        Alone, so that their last bits do not depend on which others a run has met together.
        """
        if self._features is None:
            return None
        self._features.check(model)
        base = unwrap(model)
        inner = unwrap(base.base_model)

        def encode(pixel_values: torch.Tensor, image_grid_thw: torch.Tensor) -> Any:
            return inner.get_image_features(pixel_values, image_grid_thw, return_dict=True)

        pixels = prompt.pixel_values.to(base.device)
        grids = prompt.image_grid_thw.to(base.device)
        pictures = torch.split(pixels, prompt.image_grid_thw.prod(-1).tolist())
        with torch.no_grad(), self._trainer.accelerator.autocast():
            found = [
                self._features.features(encode, picture, grid[None])
                for picture, grid in zip(pictures, grids, strict=True)
            ]
        self._known.add(prompt.id)
        layers = zip(*(one.deepstack_features or [] for one in found), strict=True)
        return PictureFeatures(
            embeds=torch.cat([one.pooler_output[0] for one in found]).to(base.dtype),
            deepstack=tuple(torch.cat([_one(x) for x in same]).to(base.dtype) for same in layers),
        )

    # --- log-probabilities -----------------------------------------------------------------------

    def rows_of(self, inputs: Batch) -> ActiveRows:
        """A step's rows; those that cannot move the loss are left out."""
        live = live_rows(inputs, with_kl=self._trainer.beta != 0.0) if self._may_skip else None
        if live is not None:
            self._num_rows += len(live)
            self._num_skipped += live.count(False)
            if not any(live) and self._trainer.accelerator.num_processes > 1:
                live[0] = True  # gradients are averaged over processes: each must have some
        return ActiveRows(
            prompts=inputs[PROMPTS],
            prompt_of_row=inputs[PROMPT_OF_ROW],
            live=live,
            fill=inputs.get("old_per_token_logps"),
        )

    def logps(
        self,
        model: Any,
        active: ActiveRows,
        completion_ids: torch.Tensor,
        completion_mask: torch.Tensor,
        *,
        num_rows: int | None = None,
        entropy: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Log-probabilities (rows, C), and entropies where asked for.

        Args:
            model: wrapped as it is trained, or the reference.
            active: which rows these are.
            completion_ids: (rows, C).
            completion_mask: (rows, C), 1 on tokens.
            num_rows: most rows at a time; None: all.
            entropy: also give entropies; rows that are left out get the others' mean.
        """
        live = active.live_list()
        rows = [row for row, alive in enumerate(live) if alive]
        if active.fill is None:
            logps = torch.zeros(completion_ids.shape, device=completion_ids.device)
        else:
            logps = active.fill.detach().clone()
        entropies = torch.zeros_like(logps) if entropy else None
        size = num_rows or max(len(rows), 1)
        for chunk in (rows[i : i + size] for i in range(0, len(rows), size)):
            found, spread = self._score(
                model, active, completion_ids, completion_mask, chunk, entropy=entropy
            )
            index = torch.tensor(chunk, device=logps.device)
            logps = logps.index_copy(0, index, found)
            if entropies is not None and spread is not None:
                entropies = entropies.index_copy(0, index, spread)
        if not rows:
            logps = logps + zero_of(model)
        if entropies is not None and 0 < len(rows) < len(live):
            mask = completion_mask[rows]
            mean = (entropies[rows] * mask).sum() / mask.sum().clamp(min=1)
            left_out = [row for row, alive in enumerate(live) if not alive]
            entropies[left_out] = mean.detach()
        return logps, entropies

    def _score(
        self,
        model: Any,
        active: ActiveRows,
        completion_ids: torch.Tensor,
        completion_mask: torch.Tensor,
        rows: Sequence[int],
        *,
        entropy: bool,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        trainer = self._trainer
        packed = pack_rows(active, completion_ids, completion_mask, rows)
        is_policy = model is not trainer.ref_model
        if self._features is not None and is_policy:
            for prompt in packed.prompts:
                if prompt.id not in self._known:
                    self._features_of(model, prompt)
        with trainer.accelerator.autocast():
            result = completion_logps(
                model,
                packed.batch,
                temperature=trainer.temperature,
                compute_entropy=entropy,
                entropy_gradient=trainer._entropy_bonus_enabled,
                head_in_float32=trainer.args.cast_lm_head_to_fp32,
                features=self._features if is_policy else None,
            )
        spread = None if result.entropies is None else result.entropies[packed.place]
        return result.logps[packed.place], spread

    # --- proof -----------------------------------------------------------------------------------

    def prove_once(self, model: Any, active: ActiveRows, inputs: Batch) -> None:
        """Compare with TRL's path on the first batch of a run.

        Raises:
            UsageError: the two differ by more than rounding explains; the text has both numbers
                and the setting that turns sharing off.
        """
        if self.proof is not None or not self.settings.prove:
            return
        trainer = self._trainer
        everything = ActiveRows(prompts=active.prompts, prompt_of_row=active.prompt_of_row)
        rows = range(len(active.prompt_of_row))
        batch = pack_rows(
            everything, inputs["completion_ids"], inputs["completion_mask"], rows
        ).batch
        with trainer.accelerator.autocast():
            self.proof = prove_equal(
                model,
                batch,
                plain=trainer.plain_logps,
                shared=lambda inner, small: (
                    completion_logps(
                        inner,
                        small,
                        temperature=trainer.temperature,
                        head_in_float32=trainer.args.cast_lm_head_to_fp32,
                        features=self._features,
                    ).logps
                ),
                flag=OFF,
            )

    def metrics(self) -> dict[str, float]:
        """Since the last call."""
        found = {}
        if self._num_rows:
            found["shared/skipped_rate"] = self._num_skipped / self._num_rows
        if self._features is not None:
            looked_up = self._features.num_hits + self._features.num_misses
            found["shared/features_found_rate"] = self._features.num_hits / max(looked_up, 1)
        self._num_rows = self._num_skipped = 0
        return found


def why_not_shared(model: Any) -> str | None:
    """The line to print where prompts cannot be shared; None where they can."""
    reason = unsupported_reason(model)
    return None if reason is None else f"prompts are not shared, TRL's own path is used: {reason}"


def drawing_weights(trainer: Any, model: Any) -> DecoderWeights:
    """The weights that completions are drawn with: in the precision that the update computes in.

    A model that is trained whole is held in float32; on an accelerator its update runs under
    autocast, and so does TRL's own rollout.
    """
    half = _AUTOCAST.get(trainer.accelerator.mixed_precision)
    dtype = half if unwrap(model).dtype == torch.float32 else None
    return without_tokens(read_weights(model, dtype=dtype), forbidden_tokens(trainer))


def forbidden_tokens(trainer: Any) -> list[int]:
    """Tokens that stand for pictures: a completion that holds one has no picture for it."""
    config = unwrap(trainer.model).config
    names = ("image_token_id", "video_token_id")
    return [token for name in names if (token := getattr(config, name, None)) is not None]


def without_tokens(weights: DecoderWeights, tokens: Sequence[int]) -> DecoderWeights:
    """The same weights, some tokens never drawn."""
    head = weights.head
    index = torch.tensor(list(tokens), device=weights.device)

    def masked(hidden: torch.Tensor) -> torch.Tensor:
        return head(hidden).index_fill(-1, index, float("-inf"))

    return replace(weights, head=masked)


def zero_of(model: Any) -> torch.Tensor:
    """A zero that depends on every trained weight.

    Zero gradients, not none: an optimizer's momentum moves on as it does with TRL's own path.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise UsageError("nothing to train: every parameter of the model is frozen")
    return torch.stack([(parameter * 0).sum().float() for parameter in trained]).sum()


def _one(layer: Any) -> torch.Tensor:
    """One picture's features of a deepstack layer, a tensor or a sequence of one."""
    tensor: torch.Tensor = layer if isinstance(layer, torch.Tensor) else layer[0]
    return tensor
