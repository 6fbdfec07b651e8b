"""Pictures named in words."""

import pytest

from groundsight.replies.image_mentions import find_mentions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image 2", [1]),
        ("Image-2", [1]),
        ("image_2:", [1]),
        ("IMAGE #12.", [11]),
        ("image2", [1]),
        ("It is in image 2. There.", [1]),
        ("the second image", [1]),
        ("the 2th image", [1]),  # MIG-Bench writes so
        ("the 3rd picture", [2]),
        ("the tenth-image", [9]),
        ("Image two", [1]),
        ("frame 4 and photo 1", [3, 0]),
        ("<image 3>", [2]),
        ("Image: 3", [2]),
        ("image 0", [-1]),
        ("image 2.5", []),
        ("image 12345", []),
        ("images 2", []),
        ("2 images", []),
        ("imagery 2", []),
        ("reimage 2", []),
        ("image twofold", []),
        ("the \u017fecond image", []),  # long s: no letter of ours
        ("\u0131mage 2", []),  # dotless i
        ("image \u0662", []),  # Arabic digit
        ("", []),
    ],
)
def test_mentions(text: str, expected: list[int]) -> None:
    assert [mention.image_index for mention in find_mentions(text)] == expected


def test_mentions_say_where_they_stand() -> None:
    (mention,) = find_mentions("see image 2 here")
    assert (mention.start, mention.end) == (4, 11)


def test_a_stretch_of_the_text_can_be_searched() -> None:
    text = "image 1, image 2, image 3"
    assert [m.image_index for m in find_mentions(text, 8, 17)] == [1]
