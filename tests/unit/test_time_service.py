"""The kernel's word on the clock, as far as a test can have it: every machine answers, none that cannot is believed."""

import ctypes
from collections.abc import Callable

import pytest

from common import time_service


def test_this_machine_answers() -> None:
    assert time_service.in_step() in (True, False)


@pytest.mark.parametrize(("answer", "word"), [(0, True), (1, True), (5, False), (-1, None)])
def test_only_a_clock_without_error_is_in_step(monkeypatch: pytest.MonkeyPatch, answer: int, word: bool | None) -> None:
    class Library:
        ntp_gettime: Callable[[object], int] = staticmethod(lambda _: answer)

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    assert time_service.in_step() is word


def test_a_library_without_the_call_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert time_service.in_step() is None
