import pytest

from groundsight.bench.report.naming import heading, in_words, shown, shown_interval
from groundsight.suites.base import Figure, Interval


@pytest.mark.parametrize(
    ("name", "value", "words", "digits"),
    [
        ("accuracy", 0.98149, "Accuracy", "98.1"),
        ("mean_accuracy", 0.84, "Mean accuracy", "84.0"),
        ("mean_acc@0.5", 0.7231, "Mean Acc@0.5", "72.3"),
        ("mean_strict_acc@0.5", 1.0, "Mean strict Acc@0.5", "100.0"),
        ("mean_strict_iou", 0.0, "Mean strict IoU", "0.0"),
        ("bleu_2", 0.26714, "BLEU-2", "0.267"),
        ("rouge_l", 0.251, "ROUGE-L", "0.251"),
        ("ece", 0.05, "ECE", "0.050"),
        ("false_regions", 1.25, "False regions", "1.25"),
        ("num_unscored", 12.0, "Num unscored", "12"),
        ("read_by_rule", 0.5, "Read by rule", "50.0"),
    ],
)
def test_figures_in_words_and_digits(name: str, value: float, words: str, digits: str) -> None:
    assert heading(name) == words
    assert shown(value, name) == digits


def test_intervals_have_the_digits_of_their_figure() -> None:
    assert shown_interval(Interval(0.8214, 0.8591), "accuracy") == "82.1 to 85.9"
    assert shown_interval(Interval(0.2, 0.3), "bleu_2") == "0.200 to 0.300"
    figure = Figure(name="accuracy", group="generator=ADM", value=0.5, num=2)
    assert in_words(figure) == "Accuracy, ADM"
