"""A model that notes its task is asked that one, unless the user names another."""

from pathlib import Path

import pytest

from groundsight.core.errors import UsageError
from groundsight.engines.options import EngineOptions
from groundsight.engines.own_task import NOTE_FILE, with_own_task, write_own_task


def test_the_noted_task_is_taken(tmp_path: Path) -> None:
    write_own_task(tmp_path, "grounded_detection")
    options = with_own_task(f"hf:{tmp_path}", EngineOptions(batch_size=2))
    assert (options.task, options.batch_size) == ("grounded_detection", 2)


def test_the_user_goes_before_the_note(tmp_path: Path) -> None:
    write_own_task(tmp_path, "grounded_detection")
    given = EngineOptions(task="forgery_reasoning")
    assert with_own_task(f"hf:{tmp_path}", given) is given


@pytest.mark.parametrize("spec", ["builtin", "hf:Qwen/Qwen2.5-VL-7B-Instruct", "hf:", "openai:x#y"])
def test_without_a_note_nothing_changes(spec: str) -> None:
    options = EngineOptions()
    assert with_own_task(spec, options) is options


@pytest.mark.parametrize("text", ["", "[]", "{}", "{" * 5000, '{"task": "cooking"}', "\x00"])
def test_a_note_that_says_nothing_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / NOTE_FILE).write_text(text)
    with pytest.raises(UsageError, match="give --task"):
        with_own_task(f"hf:{tmp_path}", EngineOptions())


def test_an_unknown_task_is_not_noted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown task"):
        write_own_task(tmp_path, "cooking")
    assert not (tmp_path / NOTE_FILE).exists()
