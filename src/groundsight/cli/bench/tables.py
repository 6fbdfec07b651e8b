"""`groundsight bench list|perturbations`: what there is to run, and under what."""

from groundsight.cli.asking import Format, Formats


def list_suites(format: Formats = Format.TABLE) -> None:
    """The benchmarks: what they measure, what lies where, what was published."""
    from groundsight.cli.bench.printing import suite_lines, suite_tree
    from groundsight.cli.printing import print_lines
    from groundsight.suites import SUITES

    for number, name in enumerate(SUITES):
        if format is Format.JSON:
            print_lines(suite_tree(SUITES[name]))
        else:
            print_lines(*([""] if number else []), *suite_lines(SUITES[name]))


def list_perturbations() -> None:
    """What can be done to pictures before they are shown: families, and their levels."""
    from groundsight.cli.printing import print_lines
    from groundsight.vision.perturbations import FAMILIES

    print_lines(*(f"{family:<12}{' '.join(names)}" for family, names in FAMILIES.items()))
