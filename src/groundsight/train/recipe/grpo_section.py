"""`[grpo]`: groups of completions, their loss, and how they are made."""

from typing import Literal

from pydantic import Field

from groundsight.train.recipe.training_section import TrainingSection, accumulation


class GrpoSection(TrainingSection):
    """The `[grpo]` section."""

    num_generations: int = Field(ge=2)
    "G, completions a question."
    prompts_per_step: int = Field(default=32, ge=1)
    "Questions an optimizer step, over all devices; each brings `num_generations` completions."
    prompts_per_device: int = Field(default=1, ge=1)
    "Questions a forward pass on each device, with all their completions."
    num_iterations: int = Field(default=1, ge=1)
    "Updates on each round of completions (μ)."
    beta: float = Field(default=0.0, ge=0)
    "Weight of the KL term; 0: no reference model, and groups of equal rewards are skipped."
    epsilon: float = Field(default=0.2, gt=0, lt=1)
    "Clip range of the probability ratio."
    epsilon_high: float | None = Field(default=None, gt=0)
    "Its upper side; None: as `epsilon`."
    loss_type: Literal["grpo", "bnpo", "dapo", "dr_grpo"] = "grpo"
    "How token losses are averaged, in TRL's words; grpo: within each completion, as in the papers."
    scale_rewards: Literal["group", "batch", "none"] = "group"
    "What advantages are divided by: the std of the group, of the batch, or nothing."
    max_completion_tokens: int = Field(default=1024, ge=1)
    "Longer completions are cut off."
    temperature: float = Field(default=1.0, gt=0)
    "Of the rollouts, and of the log-probabilities in the loss."
    top_p: float = Field(default=1.0, gt=0, le=1)
    "Rollouts draw from the most probable tokens that hold this much."
    stop_at_answer: bool = False
    """End completions as soon as the answer closes, not at the end of the turn. Saves the tokens of
    models that go on after it; but nothing then teaches a model to end its turn, and a small one
    may forget how."""
    share_prefix: bool = True
    "Compute each prompt once a group; False: TRL's own path."
    prove_sharing: bool = True
    "Compare both paths on the first batch, and stop where they differ."
    feature_cache_mb: int = Field(default=4096, ge=0)
    "Memory for pictures' features over steps while the vision tower is frozen; 0: none."
    vllm: Literal["off", "colocate", "server"] = "off"
    "Who samples: our own decoding, vLLM on the training devices, or a vLLM server."

    @property
    def completions_per_step(self) -> int:
        """Completions an optimizer step, over all devices."""
        return self.prompts_per_step * self.num_generations

    def accumulation(self, num_devices: int) -> int:
        """Forward passes an optimizer step.

        Raises:
            UsageError: `prompts_per_step` does not divide.
        """
        return accumulation(
            "grpo.prompts_per_step", self.prompts_per_step, self.prompts_per_device, num_devices
        )
