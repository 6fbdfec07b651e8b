"""BLINK: fourteen tasks of perception; the mean of the tasks' accuracies.

Official rule (arXiv 2404.12390; eval/evaluate.py of zeyofu/BLINK_Benchmark): a letter is right when
it equals the answer, each of the fourteen tasks has an accuracy, the total is their plain mean. How
a letter is read: `choice_reading.read_blink`. Answers of the test half are hidden; those questions
are counted as not scored.
"""

from groundsight.suites.base import PublishedRow
from groundsight.suites.choice_reading import read_blink
from groundsight.suites.choices import ChoiceSuite

_BOARD = "README of github.com/zeyofu/BLINK_Benchmark, validation half (1,901 questions)"
_ROWS = {
    "Human": 0.957,
    "GPT-4o": 0.600,
    "GPT-4 Turbo": 0.546,
    "GPT-4 (vision preview)": 0.511,
    "LLaVA-1.6-34B": 0.468,
    "Gemini Pro 1.0": 0.452,
    "Claude 3 Opus": 0.441,
    "Qwen-VL-MAX": 0.403,
    "Random choice": 0.381,
}

SUITE = ChoiceSuite(
    name="blink",
    title="BLINK",
    about="perception over one to four pictures, fourteen tasks",
    source="blink",
    asks="choice",
    rule="Accuracy of the letter in each task; the plain mean over the tasks.",
    headline="mean_accuracy",
    hub="BLINK-Benchmark/BLINK",
    pictures_from="inside the Parquet files of the hub's BLINK-Benchmark/BLINK",
    reader=read_blink,
    published=tuple(
        PublishedRow(model=model, values={"mean_accuracy": value}, where=_BOARD)
        for model, value in _ROWS.items()
    ),
)
