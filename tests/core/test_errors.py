import pickle

import pytest

from groundsight.core.errors import (
    GroundsightError,
    MissingExtraError,
    PictureError,
    UnknownNameError,
    UsageError,
)

EVERY_SHAPE: list[GroundsightError] = [
    UnknownNameError("engine", "buildin", ["builtin", "hf"]),
    MissingExtraError("engine hf", "local"),
    PictureError("empty_file", "the file is empty (0 bytes)"),
    UsageError("say what to do"),
]


@pytest.mark.parametrize("error", EVERY_SHAPE, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_back_from_a_worker_process(error: GroundsightError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


def test_a_missed_name_lists_the_closest_and_all_known_in_order() -> None:
    text = str(UnknownNameError("engine", "buildin", ["hf", "builtin"]))
    assert text == "unknown engine 'buildin'. Did you mean 'builtin'? Known: builtin, hf."


def test_nothing_close_means_no_hint_and_an_empty_table_says_none() -> None:
    assert "Did you mean" not in str(UnknownNameError("engine", "zzz", ["hf", "builtin"]))
    assert str(UnknownNameError("engine", "x", [])) == "unknown engine 'x'. Known: none."


def test_a_missing_extra_names_the_command_that_brings_it() -> None:
    text = str(MissingExtraError("engine hf", "local"))
    assert text == "engine hf needs: pip install 'groundsight[local]'"


def test_a_picture_error_carries_code_and_message() -> None:
    error = PictureError("damaged", "cannot be decoded")
    assert (error.code, error.message, str(error)) == (
        "damaged",
        "cannot be decoded",
        "cannot be decoded",
    )
    assert not isinstance(error, UsageError), "a bad picture is not the user's mistake"
