"""MMIU: 52 tasks over several pictures; the mean of the tasks' accuracies.

Official rule (arXiv 2408.02718; evaluate_correct.py of OpenGVLab/MMIU): accuracy of the letter in
each task, questions without an answer left out; "Overall" is the plain mean over the tasks. How a
letter is read: `choice_reading.read_mmiu`.
"""

from groundsight.suites.base import PublishedRow
from groundsight.suites.choice_reading import read_mmiu
from groundsight.suites.choices import ChoiceSuite

_BOARD = "README of github.com/OpenGVLab/MMIU, leaderboard"
_ROWS = {
    "GPT4o": 0.5572,
    "Gemini": 0.5341,
    "Claude3": 0.5338,
    "InternVL2": 0.5030,
    "Mantis": 0.4558,
    "internvl1.5-chat": 0.3739,
    "Llava-interleave": 0.3237,
    "Frequency guess": 0.315,
    "Random guess": 0.274,
    "qwen_chat": 0.1592,
}

SUITE = ChoiceSuite(
    name="mmiu",
    title="MMIU",
    about="understanding of several pictures, 52 tasks",
    source="mmiu",
    asks="choice",
    rule="Accuracy of the letter in each task; the plain mean over the tasks.",
    headline="mean_accuracy",
    hub="FanqingM/MMIU-Benchmark",
    pictures_from="the zip archives of the hub's FanqingM/MMIU-Benchmark",
    reader=read_mmiu,
    published=tuple(
        PublishedRow(model=model, values={"mean_accuracy": value}, where=_BOARD)
        for model, value in _ROWS.items()
    ),
)
