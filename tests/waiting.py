"""Waiting for what must come."""

import time
from collections.abc import Callable
from typing import Any

DEADLINE_S = 180.0  # never reached: a test that waits this long has failed


def wait_for(true: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """The first true value of `true()`."""
    give_up_s = time.monotonic() + deadline_s
    while not (value := true()):
        assert time.monotonic() < give_up_s, f"waited {deadline_s:g} s for {what}"
        time.sleep(0.01)
    return value
