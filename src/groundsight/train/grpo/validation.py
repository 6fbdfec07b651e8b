"""How the policy does on questions that it is never trained on, while it is trained.

    validator = Validator(book, scorer)
    validator.measure(trainer)      # {"validation/reward": 0.7, "validation/iou": 0.4, …}

One greedy reply a question, split over the processes. Nothing of the run is touched: no random
number is drawn, and the rubric's own weights count, whatever the schedule has made of them.
"""

from collections.abc import Sequence
from typing import Any

from accelerate.utils import gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from groundsight.models.decoding import Prompt, Sampling, Stops, decode
from groundsight.rewards.base import Attempt
from groundsight.train.grpo.questions import QuestionBook
from groundsight.train.grpo.scoring import RubricScorer
from groundsight.train.grpo.sharing import drawing_weights
from groundsight.train.signs import measure

_TOGETHER = 8
"Prompts decoded at once."


class Validator(TrainerCallback):
    """Measures at every checkpoint and at the end.

    Args:
        book: questions that are not trained on.
        scorer: of its own, so that the training's last batch stays.
        trainer: whose model answers; its sharing decodes.
    """

    def __init__(self, book: QuestionBook, scorer: RubricScorer, trainer: Any) -> None:
        self.book, self.scorer, self._trainer = book, scorer, trainer
        self.attempts: list[Attempt] = []
        "Of this process, from the last measurement."

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Measure where a checkpoint is due; the numbers join the step's log line."""
        if state.global_step % state.save_steps == 0 or state.global_step >= state.max_steps:
            for name, value in self.measure().items():
                self._trainer._metrics["train"][name].append(value)

    def measure(self) -> dict[str, float]:
        """Mean total, IoU, accuracy and parse rate over all processes."""
        accelerator = self._trainer.accelerator
        mine = list(self.book.samples)[accelerator.process_index :: accelerator.num_processes]
        self.attempts = []
        totals: list[float] = []
        for start in range(0, len(mine), _TOGETHER):
            names = mine[start : start + _TOGETHER]
            self.scorer.read(
                self._answers(names),
                {"sample": [self.book.samples[name].model_dump_json() for name in names]},
            )
            self.attempts += self.scorer.attempts
            totals += [score.total for score in self.scorer.scores if score.total is not None]
        signs = measure(self.scorer.rubric, self.attempts)
        parse_rate = None if signs.unparseable_rate is None else 1 - signs.unparseable_rate
        own = {
            "validation/reward": sum(totals) / len(totals) if totals else None,
            "validation/iou": signs.mean_iou,
            "validation/accuracy": signs.accuracy,
            "validation/parse_rate": parse_rate,
        }
        return _joined(gather_object([(own, len(mine))]))

    def _answers(self, names: Sequence[str]) -> list[str]:
        trainer = self._trainer
        model = trainer.accelerator.unwrap_model(trainer.model_wrapped)
        prompts = []
        for name in names:
            encoded = self.book.encode(name)
            prompts.append(
                Prompt(
                    input_ids=encoded.input_ids,
                    pixel_values=encoded.pixel_values,
                    image_grid_thw=encoded.image_grid_thw,
                )
            )
        tokenizer = trainer._tokenizer
        decoded = decode(
            model,
            prompts,
            Sampling(max_new_tokens=trainer.max_completion_length, temperature=0.0),
            # No stop strings: as whoever uses the model will see it.
            Stops(eos_ids=frozenset(trainer.eos_token_ids)),
            tokenizer=tokenizer,
            weights=drawing_weights(trainer, model),
        )
        ids = [list(replies[0].ids) for replies in decoded.replies]
        texts: list[str] = tokenizer.batch_decode(ids, skip_special_tokens=True)
        return texts


def _joined(parts: Sequence[tuple[dict[str, float | None], int]]) -> dict[str, float]:
    """Means of the processes' means, weighted by their questions."""
    found = {}
    for name in parts[0][0]:
        known = [(own[name], count) for own, count in parts]
        pairs = [(value, count) for value, count in known if value is not None and count]
        if pairs:
            found[name] = sum(v * n for v, n in pairs) / sum(n for _, n in pairs)
    return found
