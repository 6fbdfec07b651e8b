"""Figures in words and digits: headings as the papers print them, shares in per cent.

heading("bleu_2"), shown(0.2671, "bleu_2")            # "BLEU-2", "0.267"
heading("mean_accuracy"), shown(0.84, "mean_accuracy")  # "Mean accuracy", "84.0"
"""

from groundsight.suites.base import Figure, Interval

_HEADINGS = {
    "accuracy": "Accuracy",
    "acc@0.3": "Acc@0.3",
    "acc@0.5": "Acc@0.5",
    "acc@0.7": "Acc@0.7",
    "accuracy_both_ways": "Right both ways",
    "accuracy_decided": "Accuracy where decided",
    "accuracy_read": "Accuracy by our reading",
    "ap": "AP",
    "ap50": "AP50",
    "auc": "AUC",
    "balanced_accuracy": "Balanced accuracy",
    "bleu_2": "BLEU-2",
    "ciou": "cIoU",
    "ece": "ECE",
    "false_regions": "False regions",
    "giou": "gIoU",
    "iou": "IoU",
    "loki_accuracy": "Accuracy (LOKI)",
    "macc": "mAcc",
    "map": "mAP",
    "parse_rate": "Parsed",
    "rouge_l": "ROUGE-L",
    "tpr@fpr=0.05": "TPR at 5% FPR",
}
_AS_FRACTION = ("bleu_2", "rouge_l", "ece")
"Printed as 0.267, like the papers do."
_AS_NUMBER = ("false_regions",)
"Not a share: a mean count."
_PREFIXES = {"mean_": "Mean", "class_": "Mean over classes of", "strict_": "Strict"}


def heading(name: str) -> str:
    """The words for a figure's name."""
    if name in _HEADINGS:
        return _HEADINGS[name]
    for prefix, words in _PREFIXES.items():
        rest = name.removeprefix(prefix)
        if rest != name and rest:
            return f"{words} {_inside(heading(rest))}"
    return (name[:1].upper() + name[1:]).replace("_", " ")


def is_share(name: str) -> bool:
    """Whether a figure is printed in per cent."""
    return not (_base(name) in (*_AS_FRACTION, *_AS_NUMBER) or name.startswith("num_"))


def is_count(name: str) -> bool:
    """Whether a figure is a number of things, and so can be above 1."""
    return name.startswith("num_") or _base(name) in _AS_NUMBER


def shown(value: float, name: str) -> str:
    """The digits of a figure: 84.0 for a share, 0.267 for a fraction, 12 for a count."""
    if name.startswith("num_"):
        return f"{value:.0f}"
    if _base(name) in _AS_NUMBER:
        return f"{value:.2f}"
    return f"{100 * value:.1f}" if is_share(name) else f"{value:.3f}"


def shown_interval(interval: Interval, name: str) -> str:
    """Both ends, in the digits of the figure."""
    return f"{shown(interval.low, name)} to {shown(interval.high, name)}"


def in_words(figure: Figure) -> str:
    """A figure's heading, and what it is measured over."""
    place = "" if figure.group is None else f", {figure.group.partition('=')[2]}"
    return heading(figure.name) + place


def _base(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _inside(words: str) -> str:
    """A heading behind other words: "accuracy", but "IoU" and "Acc@0.5"."""
    first, _, rest = words.partition(" ")
    is_word = first[1:].islower() and "@" not in first
    return " ".join(filter(None, (first.lower() if is_word else first, rest)))
