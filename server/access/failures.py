"""Logins that failed, for the audit: a few are told one by one, a flood is counted. Pure."""

from collections.abc import Iterator

from common.audit import Value

WINDOW_S = 600.0
ONE_BY_ONE = 10  # in each window


class Failures:
    def __init__(self) -> None:
        self._began_s = 0.0
        self._count = 0

    def add(self, now_s: float) -> Iterator[tuple[str, dict[str, Value]]]:
        """What to write down of one more: a code and its values."""
        yield from self.rest(now_s)
        self._count += 1
        if self._count <= ONE_BY_ONE:
            yield "login-failed", {}

    def rest(self, now_s: float) -> Iterator[tuple[str, dict[str, Value]]]:
        """What is left of a window that is over."""
        if now_s - self._began_s >= WINDOW_S:
            if self._count > ONE_BY_ONE:
                yield "logins-failed", {"count": self._count - ONE_BY_ONE}
            self._began_s, self._count = now_s, 0
