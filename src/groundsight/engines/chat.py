"""What a chat model is asked and what it writes, whoever runs it: hf, openai, replay.

    model = load_chat_model("hf:Qwen/Qwen2.5-VL-7B-Instruct")
    request = ChatRequest(id="a", messages=messages, pictures=(picture,))
    reply, = model.complete([request], Decoding())
    print(reply.completions[0].text)

Task-blind and picture-blind: tasks write the messages, replies are read by `tasks` and `replies`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from groundsight.core.report import EngineInfo, Problem
from groundsight.engines.faults import ENGINE_DOWN, RUN_FAULT_CODES
from groundsight.replies.dialect import Dialect
from groundsight.tasks.base import Message
from groundsight.vision.images import Picture

__all__ = [
    "ENGINE_DOWN",
    "RUN_FAULT_CODES",
    "ChatModel",
    "ChatReply",
    "ChatRequest",
    "Completion",
    "Decoding",
    "Finish",
    "Token",
    "Usage",
    "looks_at_pixels",
]

Finish = Literal["stop", "length"]


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How replies are drawn.

    Args:
        max_new_tokens: a reply longer than this is cut off (`finish` = "length").
        temperature: 0 is greedy.
        top_p: nucleus, in (0, 1].
        num_samples: replies a request.
        seed: of the draws; the same seed, requests and settings give the same replies where the
            engine can promise it.
        top_logprobs: alternatives kept at each token; 0 keeps no log-probabilities.
    """

    max_new_tokens: int = 2048
    temperature: float = 0.0
    top_p: float = 1.0
    num_samples: int = 1
    seed: int = 0
    top_logprobs: int = 0


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """One question.

    Args:
        id: told in problems and kept in recordings.
        messages: of a task; its image parts stand for `pictures`, in order.
        pictures: open.
        json_schema: of the JSON that the reply should hold, for servers with structured output.
    """

    id: str
    messages: Sequence[Message]
    pictures: tuple[Picture, ...]
    json_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Token:
    """One written token.

    Args:
        text: its text; the texts of a completion's tokens join to its text.
        logprob: natural logarithm of its probability at temperature 1, <= 0.
        top: alternatives at this place by text, itself included where it is among them.
    """

    text: str
    logprob: float
    top: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Completion:
    """One reply.

    Args:
        text: without the prompt and without special tokens.
        finish: "stop" when the model ended it, "length" when it was cut off.
        tokens: with log-probabilities; None where the engine does not give them.
    """

    text: str
    finish: Finish = "stop"
    tokens: tuple[Token, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a request cost.

    Args:
        prompt_tokens: pictures included; None where the engine does not say.
        completion_tokens: over all samples; None likewise.
        cached_tokens: prompt tokens that were not computed again.
        retries: times the request had to be sent again.
        timing_s: wall time from asking to answer, waiting in a batch included.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    retries: int = 0
    timing_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ChatReply:
    """What came back for one request.

    Args:
        completions: `num_samples` of them, or none when there is a problem.
        usage: what it cost.
        problem: why there is no reply; its code is one of `RUN_FAULT_CODES` when a later try may
            well succeed.
        notes: what the engine had to do without, one short sentence each.
    """

    completions: tuple[Completion, ...] = ()
    usage: Usage = Usage()
    problem: Problem | None = None
    notes: tuple[str, ...] = ()


class ChatModel(Protocol):
    """Who writes replies. Made once a process."""

    @property
    def info(self) -> EngineInfo:
        """Name, version, hash of weights and settings, for the report."""
        ...

    @property
    def dialect(self) -> Dialect:
        """How it writes boxes."""
        ...

    @property
    def batch_size(self) -> int:
        """Requests worth handing to one `complete`."""
        ...

    def complete(self, requests: Sequence[ChatRequest], decoding: Decoding) -> list[ChatReply]:
        """One reply a request, in order. Never raises on a request: its fault is its problem."""
        ...

    def close(self) -> None:
        """Let connections and memory go."""
        ...


def looks_at_pixels(model: ChatModel) -> bool:
    """Whether pictures must be decoded for a model: its own `looks_at_pixels`, or yes."""
    return bool(getattr(model, "looks_at_pixels", True))
