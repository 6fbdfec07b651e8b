"""Everything that moves a benchmark's figures, in sections; and what differs between two runs.

    for difference in differences(first.fingerprint, second.fingerprint):
        print(difference.place, difference.first, difference.second)

| section | holds |
|---|---|
| suite | name, rule, hash of the code that scores |
| data | hash of questions and truths, of the pictures, which were drawn |
| engine | name, version, hash of weights, settings |
| prompts | by task: the text that is asked, and its hash |
| boxes | frame, pixel budget and notation of a model's numbers |
| decoding | length, temperature, number of replies, seed |
| perturbations | which, and the seed of what they draw |
| limits | what was refused before decoding |
| versions | of Python and of the packages that take part |
| machine | system and processor |
"""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from json import dumps
from typing import Any

import groundsight
from groundsight.bench.plan import Asking, Plan
from groundsight.bench.rules import rules_sha256
from groundsight.core.report import EngineInfo
from groundsight.engines.chat import Decoding
from groundsight.engines.questions import blank_sample
from groundsight.replies.dialect import Dialect
from groundsight.suites.base import Suite
from groundsight.tasks import TASKS
from groundsight.vision.images import Limits

Tree = dict[str, Any]
GROWS = ("perturbations.names", "data.num_drawn", "data.pictures_sha256")
"What a resumed run may have otherwise than the run it goes on with."
HARMLESS = ("machine",)
"Sections that tell where a run was made; figures should not depend on them."
PICTURE = "⟨picture⟩"
QUESTION = "⟨question of the sample⟩"
_ALWAYS = ("numpy", "pillow", "scipy", "onnxruntime")
_OF_MODELS = ("torch", "transformers", "tokenizers", "accelerate", "peft")
_WITHOUT_TORCH = frozenset({"builtin", "openai", "replay"})


@dataclass(frozen=True, kw_only=True)
class Answering:
    """What is known of whoever answers.

    Args:
        spec: the `--engine` value.
        info: of the engine.
        dialect: of a model; None of an engine that writes no text.
        decoding: likewise.
        seed: of the phrasings.
    """

    spec: str
    info: EngineInfo
    dialect: Dialect | None = None
    decoding: Decoding | None = None
    seed: int = 0


@dataclass(frozen=True)
class Difference:
    """One value that two fingerprints have differently; None where one has none."""

    place: str
    first: Any
    second: Any

    @property
    def section(self) -> str:
        """The part before the first dot."""
        return self.place.partition(".")[0]


def make_fingerprint(
    suite: Suite,
    plan: Plan,
    answering: Answering,
    *,
    perturbations: tuple[str, ...],
    num: int | None,
    seed: int,
    limits: Limits,
) -> Tree:
    """The fingerprint of a run before it begins.

    Args:
        suite: that is run.
        plan: on what.
        answering: who answers.
        perturbations: in order.
        num: how many samples were to be drawn; None: all.
        seed: of the draw and of the perturbations.
        limits: of pictures.
    """
    tree: Tree = {
        "suite": {"name": suite.name, "rule": suite.rule, "code_sha256": rules_sha256(suite)},
        "data": {
            "sha256": plan.data_sha256,
            "num_in_data": plan.num_in_data,
            "settings": sorted(plan.given.settings),
            "num_drawn": num,
            "draw_seed": None if num is None else seed,
        },
        "engine": answering.info.model_dump(mode="json"),
        "perturbations": {"names": list(perturbations), "seed": seed},
        "limits": asdict(limits),
        "versions": versions(answering.spec),
        "machine": {"system": platform.system(), "processor": platform.machine()},
    }
    if answering.dialect is not None:
        tree["prompts"] = {
            task: prompt_of(task, asking, answering.dialect, answering.seed)
            for task, asking in sorted(plan.tasks.items())
        }
        tree["boxes"] = asdict(answering.dialect)
    if answering.decoding is not None:
        tree["decoding"] = asdict(answering.decoding)
    return tree


def prompt_of(task: str, asking: Asking, dialect: Dialect, seed: int) -> Tree:
    """What is asked of a sample of a task, with the sample's own words left open.

    Returns:
        `text`, and its `sha256`.
    """
    choices = [f"⟨choice {number}⟩" for number in range(1, asking.num_choices + 1)]
    sample = blank_sample(
        task,
        num_pictures=asking.num_pictures,
        question=QUESTION if asking.own_question else None,
        extra={"choices": choices, "answer": "A"} if choices else {},
    )
    messages = TASKS[task].messages(sample, dialect, seed=seed)
    text = "\n\n".join(f"[{message['role']}]\n{_words(message)}" for message in messages)
    return {"text": text, "sha256": sha256(text.encode()).hexdigest()}


def versions(spec: str) -> dict[str, str]:
    """Versions of what takes part in answering.

    Args:
        spec: the `--engine` value; only the engines that need torch tell of it.
    """
    names = _ALWAYS if spec.partition(":")[0] in _WITHOUT_TORCH else (*_ALWAYS, *_OF_MODELS)
    found = {"python": platform.python_version(), "groundsight": groundsight.__version__}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | _codecs()


def fingerprint_sha256(tree: Mapping[str, Any]) -> str:
    """Hex digest of what moves figures; where a run was made does not count."""
    counted = {name: part for name, part in tree.items() if name not in HARMLESS}
    return sha256(dumps(counted, sort_keys=True).encode()).hexdigest()


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    """What two fingerprints have differently, in the order of the first's sections.

    The text of a prompt is left out where its hash says the same.
    """
    one, other = dict(_flat(first)), dict(_flat(second))
    places = [*one, *(place for place in other if place not in one)]
    return [
        Difference(place, one.get(place), other.get(place))
        for place in places
        if one.get(place) != other.get(place) and not _told_by_hash(place)
    ]


def resume_differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    """Of these, what keeps a run from going on with another's lines."""
    return [
        one
        for one in differences(first, second)
        if one.place not in GROWS and one.section not in HARMLESS
    ]


def _told_by_hash(place: str) -> bool:
    return place.startswith("prompts.") and place.endswith(".text")


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        place = f"{above}{name}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{place}.")
        else:
            yield place, value


def _words(message: Mapping[str, Any]) -> str:
    return "\n".join(
        PICTURE if part["type"] == "image" else str(part["text"]) for part in message["content"]
    )


def _codecs() -> dict[str, str]:
    """Of the libraries under Pillow: another JPEG decoder gives other pixels."""
    from PIL import features

    names = {"libjpeg": "jpg", "libwebp": "webp", "zlib": "zlib"}
    found = {name: features.version(feature) for name, feature in names.items()}
    return {name: str(number) for name, number in found.items() if number}
