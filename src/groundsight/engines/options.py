"""Settings of engines that ask a model; the CLI's options and a batch's settings are these."""

from typing import Literal

from pydantic import Field

from groundsight.core.config import Config


class EngineOptions(Config):
    """How a model is loaded and asked, and who gives a second opinion.

    The builtin engine takes nothing but `experts`.
    """

    task: str = "forgery_reasoning"
    "What the model is asked: a row of `tasks.TASKS`."
    adapter: str | None = None
    "LoRA adapter folder or hub name on top of the model (hf)."
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    "Of the weights (hf); auto: bfloat16 on an accelerator, float32 on a CPU."
    device: str = "auto"
    "Where it runs (hf): auto, cpu, cuda, cuda:1, mps."
    min_pixels: int | None = Field(default=None, gt=0)
    "Fewest pixels that the model is shown; None: of its processor."
    max_pixels: int | None = Field(default=None, gt=0)
    "Most pixels that the model is shown; None: of its processor."
    family: str | None = None
    "Whose numbers the boxes are, where the model does not tell: qwen2_5_vl, …, or a frame."
    batch_size: int = Field(default=8, ge=1)
    "Pictures a batch (hf), requests at a time (openai)."
    max_new_tokens: int = Field(default=2048, ge=1)
    "Longer replies are cut off, with a problem."
    samples: int = Field(default=1, ge=1)
    "Replies a picture; above 1 they are drawn at `temperature` and vote."
    temperature: float = Field(default=0.7, gt=0)
    "Of the draws when samples > 1; a single reply is greedy."
    seed: int = 0
    "Of the draws."
    with_evidence: bool = False
    "Offer the builtin engine's evidence lines to the model in step 4."
    timeout_s: float = Field(default=300.0, gt=0)
    "Of one request (openai)."
    retries: int = Field(default=4, ge=0)
    "On 429, 5xx and timeouts (openai)."
    structured: Literal["auto", "on", "off"] = "auto"
    "JSON schema of the answer (openai); auto: ask so again where a reply has no verdict."
    price_in: float | None = Field(default=None, ge=0)
    "Money a million prompt tokens, for the cost line (openai)."
    price_out: float | None = Field(default=None, ge=0)
    "Money a million written tokens, for the cost line (openai)."
    experts: tuple[str, ...] = ()
    "Experts whose opinions stand beside the verdict: names or folders (`engines.second_opinions`)."
    record: str | None = None
    "File that every reply is appended to, for `replay:FILE`."
