"""TRL's GRPOTrainer over groups that share their prompt, on questions that a curriculum draws.

    trainer = GroundsightGRPOTrainer(start=…, args=GRPOConfig(…), book=…, scorer=…, curriculum=…)
    trainer.train()

TRL's own data loader only counts rows here: the questions of a generation are drawn by the
curriculum at the moment they are needed, so that it has seen every earlier group. Rewards,
advantages, the loss, logging, vLLM, DeepSpeed, FSDP and checkpoints stay TRL's. In its places come
our rollouts, our log-probabilities, and batches that keep groups together.

Differences from TRL: the order of groups within a generation is drawn from our own seed, rollouts
have a random stream for each group, and no telemetry is sent.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from groundsight.core.seeds import make_rng
from groundsight.curricula.base import GroupOutcome, Progress
from groundsight.curricula.curriculum import Curriculum
from groundsight.models.shared_prefix import GroupBatch
from groundsight.rewards.base import Attempt
from groundsight.train.grpo.checkpoint import RunState, load_state, save_state
from groundsight.train.grpo.outcomes import factors, outcomes
from groundsight.train.grpo.packing import ActiveRows
from groundsight.train.grpo.questions import EncodedPrompt, QuestionBook
from groundsight.train.grpo.rounds import (
    PROMPT_OF_ROW,
    PROMPTS,
    Batch,
    Round,
    split_round,
)
from groundsight.train.grpo.scoring import RubricScorer
from groundsight.train.grpo.sharing import Sharing
from groundsight.train.grpo.stand_in import StandInProcessor
from groundsight.train.grpo.stopwatch import Stopwatch, shares
from groundsight.train.restore import WholeCheckpoints
from groundsight.train.signs import Signs, measure
from groundsight.train.starting_model import StartingModel

WINDOW = 512
"Attempts that failure signs are read from."


class GroundsightGRPOTrainer(WholeCheckpoints, GRPOTrainer):
    """GRPO with shared prompts and a curriculum.

    Args:
        start: the model that is trained.
        args: TRL's settings; `shuffle_dataset` is not looked at.
        book: the questions.
        scorer: the rubric.
        curriculum: built with the book's ids.
        num_epochs: passes over the questions in the whole run, for staged schedules.
        sharing: how prompts are shared; None: TRL's own path.
        callbacks: of transformers.
    """

    def __init__(
        self,
        *,
        start: StartingModel,
        args: GRPOConfig,
        book: QuestionBook,
        scorer: RubricScorer,
        curriculum: Curriculum,
        num_epochs: float,
        sharing: Sharing | None = None,
        callbacks: Sequence[Any] = (),
    ) -> None:
        self.start, self.sharing = start, sharing
        self.book, self.scorer, self.curriculum = book, scorer, curriculum
        self.window: deque[Attempt] = deque(maxlen=WINDOW)
        self.groups: list[GroupOutcome] = []
        self._num_epochs = num_epochs
        self._round: Round | None = None
        self._buffered_inputs: Any
        self.processing_class: Any
        self._active: ActiveRows | None = None
        self._parts: list[list[float]] = []
        self._num_tokens = 0
        per_round = args.generation_batch_size // args.num_generations
        num_rows = -(-len(book.samples) // per_round) * per_round
        args.log_multimodal = False  # pictures are references here; ours are drawn at the end
        super().__init__(
            model=start.loaded.model,
            reward_funcs=scorer.functions,
            args=args,
            train_dataset=Dataset.from_dict({"prompt": [""] * num_rows}),
            processing_class=start.loaded.processor,
            peft_config=start.peft_config,
            callbacks=list(callbacks),
        )
        self.clock = Stopwatch(_wait_for(self.accelerator.device))
        if sharing is not None:
            sharing.attach(self)

    def _train_rows(self) -> int:
        """Completions of one process in a round."""
        return int(self.args.per_device_train_batch_size * self.args.steps_per_generation)

    # --- one generation --------------------------------------------------------------------------

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """One forward and backward pass, timed."""
        with self.clock.time("update"):
            loss: torch.Tensor = super().training_step(*args, **kwargs)
        return loss

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        if self.sharing is None or not self.model.training:
            return super()._prepare_inputs(generation_batch)
        every = self.args.steps_per_generation * self.num_iterations
        if self._step % every == 0 or self._buffered_inputs is None:
            batch = self._generate_and_score_completions(generation_batch)
            self._buffered_inputs = self._split(batch)
        return self._buffered_inputs[self._step % self.args.steps_per_generation]

    def _split(self, batch: Batch) -> list[Batch]:
        assert self._round is not None, "a round was generated"
        order = make_rng(self.args.seed, "group_order", self._round.number)
        return split_round(
            batch,
            num_steps=self.args.steps_per_generation,
            order=order.permutation(len(self._round.groups)).tolist(),
        )

    def _generate_and_score_completions(self, inputs: list[Any]) -> Batch:
        if not self.model.training:
            batch: Batch = super()._generate_and_score_completions(inputs)
            return batch
        here = self._begin_round(len(inputs))
        ids, shared = here.ids, self.sharing is not None
        unique = {name: self.book.row(name, opened=not shared) for name in dict.fromkeys(ids)}
        rows = [dict(unique[ids[prompt]]) for prompt in here.prompt_of_row]
        with self._shared_round(here) if shared else nullcontext() as prompts:
            batch = super()._generate_and_score_completions(rows)
        if prompts is not None:
            del batch["pixel_values"], batch["num_images"]  # the stand-ins
            batch[PROMPTS], batch[PROMPT_OF_ROW] = prompts, list(here.prompt_of_row)
        if not self.log_completions:
            for kept in (self._logs["prompt"], self._logs["completion"]):
                kept.clear()  # prompts hold pictures where nothing is shared
        self._finish_round(here, batch)
        return batch

    def _begin_round(self, num_rows: int) -> Round:
        """Move the reward settings on and draw the questions."""
        step = min(self.state.global_step, self.state.max_steps)
        progress = Progress(step=step, num_steps=self.state.max_steps, num_epochs=self._num_epochs)
        self.scorer.use(self.curriculum.settings(progress))
        self.reward_weights = torch.tensor(self.scorer.weights, dtype=torch.float32)
        num_questions = num_rows * self.accelerator.num_processes // self.num_generations
        self._round = Round.of(
            self.curriculum.draw(num_questions),
            number=self._step // (self.args.steps_per_generation * self.num_iterations),
            num_generations=self.num_generations,
            rank=self.accelerator.process_index,
            num_rows=num_rows,
        )
        return self._round

    @contextmanager
    def _shared_round(self, here: Round) -> Iterator[list[EncodedPrompt]]:
        """Inside, TRL meets prompts that are processed already, each once."""
        prompts = self._encode_prompts(here)
        processor = self.processing_class
        self.processing_class = StandInProcessor(processor)
        self._active = ActiveRows(prompts=prompts, prompt_of_row=list(here.prompt_of_row))
        try:
            yield prompts
        finally:
            self.processing_class = processor
            self._active = None

    def _encode_prompts(self, here: Round) -> list[EncodedPrompt]:
        with self.clock.time("rollout"):
            return [self.book.encode(name) for name in here.ids]

    def _finish_round(self, here: Round, batch: Batch) -> None:
        """Tell the curriculum, let it weigh the groups, and write down what was seen."""
        self.groups = outcomes(
            here.drawn,
            self.scorer.base.names,
            self.scorer.weights,
            self._parts,
            num_generations=self.num_generations,
        )
        factor = factors(self.curriculum, self.groups)
        of_row = torch.tensor([factor[here.groups[prompt]] for prompt in here.prompt_of_row])
        of_row = of_row.to(batch["advantages"])
        batch["advantages"] = batch["advantages"] * of_row
        if self.beta != 0.0:  # what the gate keeps out must not be pulled to the reference either
            kept = (of_row != 0).to(batch["completion_mask"]).unsqueeze(1)
            batch["completion_mask"] = batch["completion_mask"] * kept
        self._correct_clipped(len(here.prompt_of_row))
        self.window.extend(self.scorer.attempts)
        self._write_metrics(measure(self.scorer.rubric, self.scorer.attempts))

    # --- TRL's places ----------------------------------------------------------------------------

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[Any, Any, Any]:
        with self.clock.time("rollout"):
            if self._active is None:
                made: tuple[Any, Any, Any] = super()._tokenize_prompts(prompts)
                return made
            ids = [prompt.input_ids.tolist() for prompt in self._active.prompts]
            images = [[None] * len(prompt.image_grid_thw) for prompt in self._active.prompts]
            places = self._active.prompt_of_row
            return [ids[place] for place in places], [images[place] for place in places], {}

    def _generate_single_turn(self, prompt_ids: Any, *args: Any, **kwargs: Any) -> Any:
        with self.clock.time("rollout"):
            if self._active is None:
                drawn = super()._generate_single_turn(prompt_ids, *args, **kwargs)
            elif self.sharing is not None and self.sharing.decodes:
                assert self._round is not None, "inside a round"
                drawn = self.sharing.roll_out(self._round, self._active.prompts), None
            else:
                drawn = self._roll_out_by_trl(prompt_ids, *args, **kwargs)
        self._num_tokens += sum(len(ids) for ids in drawn[0])
        return drawn

    def _roll_out_by_trl(self, prompt_ids: Any, *args: Any, **kwargs: Any) -> Any:
        """VLLM, or a model whose weights lie on several devices: TRL's own generation."""
        assert self._round is not None and self._active is not None, "inside a round"
        pictures = [self.book.pictures(name) for name in self._round.ids]
        images = [pictures[place] for place in self._round.prompt_of_row]
        fields: Batch = {}
        if not self.use_vllm:
            rows = [self._active.prompts[place] for place in self._round.prompt_of_row]
            fields = {
                "pixel_values": torch.cat([row.pixel_values for row in rows]),
                "image_grid_thw": torch.cat([row.image_grid_thw for row in rows]),
            }
            types = [row.mm_token_type_ids for row in rows if row.mm_token_type_ids is not None]
            if len(types) == len(rows):
                fields["mm_token_type_ids"] = [row.tolist() for row in types]
        return super()._generate_single_turn(prompt_ids, images, fields, *args[2:], **kwargs)

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, ids: Any) -> Any:
        with self.clock.time("reward"):
            parts = super()._calculate_rewards(inputs, prompts, completions, ids)
        self._parts = parts.tolist()
        return parts

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **fields: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        if self._active is None or self.sharing is None:
            found: tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]
            found = super()._get_per_token_logps_and_entropies(
                model,
                input_ids,
                attention_mask,
                logits_to_keep,
                batch_size=batch_size,
                compute_entropy=compute_entropy,
                compute_aux_loss=compute_aux_loss,
                **fields,
            )
            return found
        logps, entropies = self.sharing.logps(
            model,
            self._active,
            input_ids[:, -logits_to_keep:],
            attention_mask[:, -logits_to_keep:],
            num_rows=batch_size,
            entropy=compute_entropy,
        )
        return logps, entropies, None

    def _compute_loss(self, model: Any, inputs: Batch) -> torch.Tensor:
        if PROMPTS not in inputs or self.sharing is None:
            loss: torch.Tensor = super()._compute_loss(model, inputs)
            return loss
        self._active = self.sharing.rows_of(inputs)
        try:
            self.sharing.prove_once(model, self._active, inputs)
            loss = super()._compute_loss(model, inputs)
        finally:
            self._active = None
        return loss

    def plain_logps(self, model: Any, batch: GroupBatch) -> torch.Tensor:
        """TRL's own log-probabilities of a group batch, the other side of the start-up proof."""
        rows = batch.rows(self._tokenizer.pad_token_id)
        logps: torch.Tensor = super()._get_per_token_logps_and_entropies(model, **rows)[0]
        return logps

    # --- what is written down --------------------------------------------------------------------

    def _write_metrics(self, signs: Signs) -> None:
        parse_rate = None if signs.unparseable_rate is None else 1 - signs.unparseable_rate
        found: dict[str, float | None] = {
            "signs/iou": signs.mean_iou,
            "signs/accuracy": signs.accuracy,
            "signs/parse_rate": parse_rate,
            "signs/boxes_per_true_box": signs.boxes_per_true_box,
            **self.curriculum.metrics(),
        }
        names = self.scorer.base.names
        found |= {
            f"weight/{name}": weight
            for name, weight in zip(names, self.scorer.weights, strict=True)
        }
        for name, value in found.items():
            if value is not None:
                self._metrics["train"][name].append(value)

    def _correct_clipped(self, num_rows: int) -> None:
        """A completion that closed its answer is whole, though TRL sees no end token."""
        clipped = self._metrics["train"]["completions/clipped_ratio"]
        if self.sharing is not None and clipped:
            stopped = torch.tensor([self.sharing.num_stopped], device=self.accelerator.device)
            total = self.accelerator.gather(stopped).sum().item()
            clipped[-1] -= total / (num_rows * self.accelerator.num_processes)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's log line, with where the time went since the last one."""
        spent = self.clock.take()
        total = sum(spent.values())
        for name, share in shares(spent).items():
            logs[f"time/{name}_s"] = spent[name]
            logs[f"time/{name}_share"] = share
        if self._num_tokens and total > 0:
            logs["speed/tokens_per_s"] = self._num_tokens / total
        self._num_tokens = 0
        if self.sharing is not None:
            logs |= self.sharing.metrics()
        super().log(logs, start_time)

    def _send_telemetry(self) -> None:
        """TRL reports each run to its makers; a tool for forensics does not."""

    # --- going on --------------------------------------------------------------------------------

    def train(self, resume_from_checkpoint: Any = None, **kwargs: Any) -> Any:
        """TRL's `train`; a checkpoint also brings back curriculum, micro-step and completions.

        Raises:
            UsageError: the checkpoint holds no whole state of ours.
        """
        if resume_from_checkpoint is not None:
            state = load_state(
                Path(resume_from_checkpoint),
                rank=self.accelerator.process_index,
                num_processes=self.accelerator.num_processes,
                device=self.accelerator.device,
            )
            self.curriculum.load_state_dict(state.curriculum)
            self._step = state.micro_step
            self._buffered_inputs = list(state.buffer) or None
        return super().train(resume_from_checkpoint=resume_from_checkpoint, **kwargs)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
        every = self.args.steps_per_generation * self.num_iterations
        needed = self._step % every != 0
        state = RunState(
            micro_step=self._step,
            num_processes=self.accelerator.num_processes,
            curriculum=self.curriculum.state_dict(),
            buffer=self._buffered_inputs or () if needed else (),
        )
        save_state(folder, state, rank=self.accelerator.process_index)
        self.accelerator.wait_for_everyone()
        super()._save_checkpoint(model, trial)


def _wait_for(device: torch.device) -> Any:
    """What makes a clock's reading true on a device."""
    return torch.cuda.synchronize if device.type == "cuda" else None
