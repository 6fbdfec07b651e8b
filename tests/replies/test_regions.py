"""Boxes in every notation, their captions and their pictures."""

import pytest

from groundsight.replies.regions import (
    MAX_REGIONS,
    MAX_SCANNED,
    ReplyRegion,
    has_box,
    one_line,
    scan_regions,
)
from groundsight.replies.sections import scan_sections

BOX = (12.0, 34.0, 56.0, 78.0)


def regions(text: str) -> tuple[ReplyRegion, ...]:
    return scan_regions(text, scan_sections(text)).regions


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        ("[12, 34, 56, 78]", "brackets"),
        ("[12,34,56,78]", "brackets"),
        ("(12, 34, 56, 78)", "brackets"),
        ("[12 34 56 78]", "brackets"),
        ("[ 12.0 , 34. , +56 , 78e0 ]", "brackets"),
        ("[[12, 34, 56, 78]]", "brackets"),
        ("[\n  12,\n  34,\n  56,\n  78\n]", "brackets"),
        ("(12,34),(56,78)", "pairs"),
        ("(12, 34) (56, 78)", "pairs"),
        ("(12, 34) - (56, 78)", "pairs"),
        ("[12, 34], [56, 78]", "pairs"),
        ("[[12, 34], [56, 78]]", "pairs"),
        ("<|box_start|>(12,34),(56,78)<|box_end|>", "box_tokens"),
        ("<|box_start|>[12, 34, 56, 78]<|box_end|>", "box_tokens"),
        ("<|box_start|>12,34,56,78<|box_end|>", "box_tokens"),
        ("<box>12 34 56 78</box>", "box_tag"),
        ("<box>[[12, 34, 56, 78]]</box>", "box_tag"),
        ("<box>(12,34),(56,78)</box>", "box_tag"),
        ('{"bbox_2d": [12, 34, 56, 78]}', "bbox_2d"),
        ("{'bbox_2d': [12, 34, 56, 78]}", "bbox_2d"),
        ('{"bbox" : [12, 34, 56, 78]', "bbox_2d"),
        ('{"bbox_2d": [[12, 34, 56, 78]]}', "bbox_2d"),
    ],
)
def test_every_notation(text: str, notation: str) -> None:
    (region,) = regions(f"It is {text}")
    assert (region.xyxy, region.notation, region.fractional) == (BOX, notation, False)
    assert region.section is None and region.image_index is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12, 34, 56, 78",  # numbers alone are no box
        "[12, 34, 56]",
        "[12, 34, 56, 78, 90]",
        "[12, 34, 56, 78",  # cut off
        "[12, 34, 56, x]",
        "[a, b, c, d]",
        "(12, 34), (56)",
        "[1234567890123, 34, 56, 78]",  # no picture has so many pixels
        "[12, 34, 56, 1e999]",
        "[\u0661, \u0662, \u0663, \u0664]",  # other alphabets' digits
        "\uff3b12, 34, 56, 78\uff3d",  # full-width brackets
        "<box></box>",
        "[nan, nan, nan, nan]",
        "[1..2, 3, 4, 5]",
        "[--1, 2, 3, 4]",
    ],
)
def test_no_box(text: str) -> None:
    assert regions(text) == ()
    assert not has_box(text)


@pytest.mark.parametrize(
    ("numbers", "fractional"),
    [
        ("0.1, 0.2, 0.3, 0.4", True),
        ("0, 0, 1.0, 1", True),
        ("0, 0, 1, 1", False),
        ("0.1, 0.2, 1.3, 0.4", False),
        ("-0.1, 0.2, 0.3, 0.4", False),
    ],
)
def test_fractions_need_a_decimal_point(numbers: str, fractional: bool) -> None:
    (region,) = regions(f"[{numbers}]")
    assert region.fractional is fractional


def test_swapped_and_negative_numbers_stay_as_written() -> None:
    (region,) = regions("[56, -3, 12, 9000]")
    assert region.xyxy == (56, -3, 12, 9000)


@pytest.mark.parametrize(
    ("text", "captions"),
    [
        ("- [1, 2, 3, 4]: six fingers", ["six fingers"]),
        ("- [1, 2, 3, 4] - six fingers.\nmore", ["six fingers."]),
        ("1. Six fingers [1, 2, 3, 4]", ["1. Six fingers"]),
        ("Six fingers: [1, 2, 3, 4]", ["Six fingers"]),
        ("The hand ([1, 2, 3, 4]) has six", ["The hand"]),
        ("[1, 2, 3, 4] six fingers", ["six fingers"]),
        ("[1, 2, 3, 4]", [""]),
        ("a hand [1, 2, 3, 4], a sign [5, 6, 7, 8]", ["a hand", "a sign"]),
        ("[1, 2, 3, 4]: hand, [5, 6, 7, 8]: sign", ["hand", "sign"]),
        ("Image 2: [1, 2, 3, 4]", [""]),  # a picture's name is no caption
        ("In image 2: [1, 2, 3, 4]", [""]),
        ("Image 2: [1, 2, 3, 4]: truck", ["truck"]),
        ("[1, 2, 3, 4]\n[5, 6, 7, 8]: sign", ["", "sign"]),  # the next line is not its caption
        ("[1, 2, 3, 4]\nSo it is fake.", [""]),
        ("<ref>a dog</ref><box>[[1, 2, 3, 4]]</box>", ["a dog"]),
        (
            "<|object_ref_start|>a dog<|object_ref_end|><|box_start|>(1,2),(3,4)<|box_end|>",
            ["a dog"],
        ),
        ('[{"bbox_2d": [1, 2, 3, 4], "label": "a } b"}]', ["a } b"]),
        ('{"label": "hand", "bbox_2d": [1, 2, 3, 4]}', ["hand"]),
        ('{"bbox_2d": [1, 2, 3, 4], "label": 5}', [""]),
        ('{"bbox_2d": [1, 2, 3, 4], "label": "cut', [""]),
        (
            '[{"bbox_2d": [1, 2, 3, 4], "label": "a"}, {"bbox_2d": [5, 6, 7, 8], "label": "b"}]',
            ["a", "b"],
        ),
        ("<think>[1, 2, 3, 4]: hand</think>", ["hand"]),  # the tag is not part of it
        ("a\tb\u2028 c [1, 2, 3, 4]", ["a b c"]),
    ],
)
def test_captions(text: str, captions: list[str]) -> None:
    assert [region.description for region in regions(text)] == captions


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("Image 2: [1, 2, 3, 4]", [1]),
        ("[1, 2, 3, 4] in the second image", [1]),
        ("It is in the third image. <|box_start|>(1,2),(3,4)<|box_end|>", [2]),
        ("The dog of image 1 is in image 3 at [1, 2, 3, 4]", [2]),
        ("[1, 2, 3, 4] in image 2 matches image 1", [1]),
        ("Image 2: [1, 2, 3, 4], [5, 6, 7, 8]", [1, 1]),  # the name carries on
        ("Image 1: [1, 2, 3, 4]\nImage 2: [5, 6, 7, 8]", [0, 1]),
        ("Image 2:\n- [1, 2, 3, 4]\n- [5, 6, 7, 8]", [1, 1]),
        ("<think>image 1: [1, 2, 3, 4]</think><answer>[5, 6, 7, 8]</answer>", [0, None]),
        ("<think>image 1</think><answer>[5, 6, 7, 8]</answer>", [None]),
        ('{"image": 2, "bbox_2d": [1, 2, 3, 4]}', [1]),
        ('{"bbox_2d": [1, 2, 3, 4], "image_index": 2}', [2]),
        ('{"bbox_2d": [1, 2, 3, 4], "image": "Image-2"}', [1]),
        ('{"bbox_2d": [1, 2, 3, 4], "image": true}', [None]),
        ("image 0: [1, 2, 3, 4]", [-1]),
        ("[1, 2, 3, 4]", [None]),
    ],
)
def test_pictures(text: str, indices: list[int | None]) -> None:
    assert [region.image_index for region in regions(text)] == indices


def test_a_region_knows_its_section_and_place() -> None:
    text = "<think>a [1, 2, 3, 4]</think><answer>[5, 6, 7, 8]</answer>[9, 9, 10, 10]"
    found = regions(text)
    assert [region.section for region in found] == ["think", "answer", None]
    assert text[found[0].start : found[0].end] == "[1, 2, 3, 4]"


def test_limits_are_problems() -> None:
    scan = scan_regions("[1, 2, 3, 4]" * (MAX_REGIONS + 1), scan_sections(""))
    assert len(scan.regions) == MAX_REGIONS
    assert [problem.code for problem in scan.problems] == ["too_many_boxes"]
    text = " " * MAX_SCANNED + "[1, 2, 3, 4]"
    scan = scan_regions(text, scan_sections(text))
    assert scan.regions == ()
    assert [problem.code for problem in scan.problems] == ["too_long_for_boxes"]


def test_one_line_applied_twice_changes_nothing() -> None:
    for text in (" - a:\n b -- ", "((x))", "[{", "", "a (small) dog"):
        assert one_line(one_line(text)) == one_line(text)
    assert one_line("- a\n(small) dog;") == "a (small) dog"
