"""A model of transformers as a chat model: requests in, batches through it, replies out."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

import groundsight
from groundsight.core.report import EngineInfo, Problem
from groundsight.engines.chat import ChatReply, ChatRequest, Decoding, Usage
from groundsight.engines.hf.batches import cut_batches
from groundsight.engines.hf.generating import generate_together
from groundsight.engines.hf.memory import max_batch_tokens
from groundsight.engines.hf.prefixes import PrefixKeeper
from groundsight.engines.hf.prompts import PromptMaker
from groundsight.engines.hf.tokens import to_completion
from groundsight.engines.hf.weights_hash import weights_sha256
from groundsight.engines.hf.writing import Writer, Written
from groundsight.engines.options import EngineOptions
from groundsight.models.decoding import (
    Prompt,
    Sampling,
    Stops,
    UnreadableModelError,
    decode,
    read_weights,
)
from groundsight.models.load import LoadedModel, load_model
from groundsight.replies.dialect import Dialect

LOG = logging.getLogger(__name__)
# Requests handed to one `complete`, in batches: enough to sort them by size.
WINDOW = 4
# Characters a token of text has, at least; for memory, before anything is tokenised.
CHARACTERS_A_TOKEN = 3


class HFChatModel:
    """A loaded model that is asked in batches.

    Args:
        loaded: model, processor and dialect.
        info: for the report.
        batch_size: most requests that go through the network together.
    """

    def __init__(self, loaded: LoadedModel, info: EngineInfo, batch_size: int = 8) -> None:
        self.info, self.dialect = info, loaded.dialect
        self._loaded, self._together = loaded, batch_size
        self._tokenizer = loaded.processor.tokenizer
        text_config = loaded.model.config.get_text_config()
        context = getattr(text_config, "max_position_embeddings", None)
        self._maker = PromptMaker(loaded.processor, context)
        self._stops = Stops(eos_ids=eos_ids(loaded.model, self._tokenizer))
        pad = self._tokenizer.pad_token_id
        self._pad_id = min(self._stops.eos_ids, default=0) if pad is None else int(pad)
        self._prefixes = _prefix_keeper(loaded)
        self._writer = Writer()

    info: EngineInfo
    dialect: Dialect

    @property
    def batch_size(self) -> int:
        """Several batches, so that pictures of one size can stand together."""
        return WINDOW * self._together

    def complete(self, requests: Sequence[ChatRequest], decoding: Decoding) -> list[ChatReply]:
        """One reply a request, in order; a fault of one request is its problem.

        Raises:
            UsageError: `decoding` holds a value out of range.
        """
        start = time.perf_counter()
        sampling = _sampling(decoding)
        found: dict[int, ChatReply] = {}
        for batch in self._batches(requests, sampling):
            prompts = [self._maker.make(requests[i], sampling.max_new_tokens) for i in batch]
            written = self._write(prompts, sampling)
            passed = time.perf_counter() - start
            for index, prompt, result in zip(batch, prompts, written, strict=True):
                found[index] = self._reply(prompt, result, passed)
        return [found[index] for index in range(len(requests))]

    def close(self) -> None:
        """Let the model's memory go; nothing can be asked after it."""
        device = self._loaded.device
        del self._loaded, self._prefixes
        if device.type == "cuda":
            torch.cuda.empty_cache()

    def _batches(self, requests: Sequence[ChatRequest], sampling: Sampling) -> list[list[int]]:
        reply = sampling.max_new_tokens * sampling.num_samples
        sizes = [
            self._maker.num_visual_tokens(r) + _num_characters(r) // CHARACTERS_A_TOKEN + reply
            for r in requests
        ]
        model = self._loaded.model
        limit = max_batch_tokens(model.config, self._loaded.device, self._loaded.dtype)
        return cut_batches(sizes, max_requests=self._together, max_tokens=limit)

    def _write(
        self, prompts: Sequence[Prompt | Problem], sampling: Sampling
    ) -> list[Written | Problem]:
        """Results of the prompts, in order; a problem stays what it is."""
        whole = [prompt for prompt in prompts if isinstance(prompt, Prompt)]
        results = iter(self._writer.write(whole, lambda some: self._decode(some, sampling)))
        return [next(results) if isinstance(p, Prompt) else p for p in prompts]

    def _decode(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Written]:
        model, stops = self._loaded.model, self._stops
        if self._prefixes is None:
            groups = generate_together(model, prompts, sampling, stops, pad_id=self._pad_id)
            return [Written(replies=replies) for replies in groups]
        prefix = self._prefixes.find(prompts)
        weights = self._prefixes.weights
        done = decode(model, prompts, sampling, stops, weights=weights, prefix=prefix)
        cached = 0 if prefix is None else prefix.num_tokens
        return [Written(replies=replies, cached_tokens=cached) for replies in done.replies]

    def _reply(
        self, prompt: Prompt | Problem, result: Written | Problem, passed: float
    ) -> ChatReply:
        if isinstance(prompt, Problem) or isinstance(result, Problem):
            problem = prompt if isinstance(prompt, Problem) else result
            assert isinstance(problem, Problem)
            return ChatReply(problem=problem, usage=Usage(timing_s=passed))
        usage = Usage(
            prompt_tokens=len(prompt.input_ids),
            completion_tokens=sum(len(reply.ids) for reply in result.replies),
            cached_tokens=result.cached_tokens,
            timing_s=passed,
        )
        completions = tuple(to_completion(self._tokenizer, reply) for reply in result.replies)
        return ChatReply(completions=completions, usage=usage)


def load_chosen(name: str, options: EngineOptions) -> LoadedModel:
    """Load a model as options say, without transformers' progress bar.

    Raises:
        UsageError: it cannot be loaded; see `models.load.load_model`.
    """
    bars = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        return load_model(
            name,
            adapter=options.adapter,
            dtype=options.dtype,
            device=options.device,
            min_pixels=options.min_pixels,
            max_pixels=options.max_pixels,
            family=options.family,
        )
    finally:
        if bars:
            transformers.utils.logging.enable_progress_bar()


def load_hf(name: str, options: EngineOptions) -> HFChatModel:
    """Load a model with its adapter, and say what was chosen.

    Raises:
        UsageError: it cannot be loaded; see `models.load.load_model`.
    """
    loaded = load_chosen(name, options)
    info = describe(loaded)
    LOG.info("%s", ", ".join(f"{key} {value}" for key, value in info.settings.items()))
    return HFChatModel(loaded, info, options.batch_size)


def describe(loaded: LoadedModel) -> EngineInfo:
    """Who answers: model, adapter, weights, and what was chosen where a setting said auto."""
    folder = _folder(loaded.name, "config.json")
    adapter = None if loaded.adapter is None else _folder(loaded.adapter, "adapter_config.json")
    settings = {
        "model": loaded.name,
        "commit": _commit(folder),
        "adapter": loaded.adapter,
        "adapter_commit": _commit(adapter),
        "family": loaded.family.name,
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "device": str(loaded.device),
        "min_pixels": loaded.dialect.min_pixels,
        "max_pixels": loaded.dialect.max_pixels,
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
    }
    missing = folder is None or (loaded.adapter is not None and adapter is None)
    return EngineInfo(
        name="hf",
        version=groundsight.__version__,
        weights_sha256=None if missing or folder is None else weights_sha256(folder, adapter),
        settings={key: value for key, value in settings.items() if value is not None},
    )


def eos_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every id that ends a reply: of the model's generation settings and of the tokenizer."""
    named = model.generation_config.eos_token_id
    ids = named if isinstance(named, list) else [named]
    return frozenset(int(token) for token in [*ids, tokenizer.eos_token_id] if token is not None)


def _sampling(decoding: Decoding) -> Sampling:
    return Sampling(
        max_new_tokens=decoding.max_new_tokens,
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        num_samples=decoding.num_samples,
        seed=decoding.seed,
        top_logprobs=decoding.top_logprobs,
    )


def _prefix_keeper(loaded: LoadedModel) -> PrefixKeeper | None:
    """For models that our own decoding knows; None where `generate` writes the replies."""
    try:
        weights = read_weights(loaded.model)
    except UnreadableModelError as error:
        LOG.info("replies are written by transformers' generate: %s", error)
        return None
    return PrefixKeeper(weights, loaded.model.config.image_token_id)


def _num_characters(request: ChatRequest) -> int:
    contents = [message["content"] for message in request.messages]
    texts = [
        content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        for content in contents
    ]
    return sum(map(len, texts))


def _folder(name: str, file: str) -> Path | None:
    """Where a model's files lie: its folder, or the hub's cache."""
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, file)
    return Path(found).parent if isinstance(found, str) else None


def _commit(folder: Path | None) -> str | None:
    """The hub's commit, where the folder is the hub cache's."""
    if folder is None or folder.parent.name != "snapshots":
        return None
    return folder.name
