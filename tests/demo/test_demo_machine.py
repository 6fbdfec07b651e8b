"""Keeping freed memory: taken by glibc, passed over elsewhere."""

import os

import pytest

from groundsight.demo.machine import keep_freed_memory


def test_glibc_takes_the_settings() -> None:
    names = getattr(os, "confstr_names", {})
    assert keep_freed_memory() is ("CS_GNU_LIBC_VERSION" in names)


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr_names", {})
    assert not keep_freed_memory()
