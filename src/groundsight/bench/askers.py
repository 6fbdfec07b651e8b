"""The ways in which an engine answers a suite: by its report, by the reasoner, by a plain reply.

asker = load_asker("replay:replies.jsonl", SUITES["mig_bench"], options)
said, = asker.ask([ready])
"""

from groundsight.bench.chat_asker import ChatAsker
from groundsight.bench.said import Asker
from groundsight.bench.verdict_askers import EngineAsker, ReasonerAsker
from groundsight.core.errors import UsageError
from groundsight.engines import EngineOptions, load_chat_model, load_engine
from groundsight.engines.reasoner import Reasoner
from groundsight.suites.base import Suite

WORDLESS = frozenset({"builtin", "expert"})
"Kinds of engine that write no text."


def load_asker(spec: str, suite: Suite, options: EngineOptions) -> Asker:
    """Make an engine, in the way in which it can answer this suite.

    Args:
        spec: a `--engine` value.
        suite: what is asked.
        options: how a model is loaded and asked.

    Raises:
        UsageError: it cannot be made, or cannot answer.
    """
    if suite.asks == "verdict":
        engine = load_engine(spec, options)
        if isinstance(engine, Reasoner):
            return ReasonerAsker(engine, suite)
        return EngineAsker(engine, suite)
    if spec.partition(":")[0] in WORDLESS:
        raise UsageError(
            f"engine {spec} judges whole pictures and reads no questions, but {suite.name} asks "
            f"for {suite.asks}: use --engine hf:MODEL_OR_FOLDER, openai:BASE_URL#MODEL or "
            "replay:FILE"
        )
    if options.samples > 1 or options.with_evidence:
        flag = "--samples" if options.samples > 1 else "--with-evidence"
        raise UsageError(
            f"{flag} is for verdicts, {suite.name} asks for {suite.asks}: leave it out"
        )
    return ChatAsker(load_chat_model(spec, options), suite, options)
