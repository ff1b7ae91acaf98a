"""How often somebody may try a password: by address and by name, in constant memory. Pure.

An address has ten tries, and one more each minute. A name that has been tried twenty times from anywhere gets one try a
minute from each address: whoever tries from many addresses gains little, and whoever is the user still gets in. A
browser that the user has logged in with before has tries of its own, which nobody else can use up.
"""

from typing import NamedTuple

TRIES = 10  # of an address or a browser at once
TRIES_OF_NAME = 20  # of a name at once
GIVEN_BACK_S = 60.0  # for each try
MOST_KNOWN = 10_000  # addresses and names; the longest unused is forgotten first

Key = tuple[str, str]  # kind, text


class Attempt(NamedTuple):
    """A try that counts until it turns out to be right."""

    keys: tuple[Key, ...]
    wait_s: float  # 0 if it may be made


class Throttle:
    def __init__(self) -> None:
        self._known: dict[Key, tuple[float, float]] = {}  # tries, as of when; the longest unused first

    def attempt(self, address: str, name: str, browser: str, now_s: float) -> Attempt:
        """Count a try. `browser`: the session of one that this user has logged in with, else empty."""
        if browser:
            keys: tuple[Key, ...] = (("browser", browser),)
            wait_s = self._wait_s(keys[0], TRIES, now_s)
        else:
            keys = (("address", address), ("name", name))
            tried = self._tries(keys[1], now_s) > TRIES_OF_NAME - 1
            wait_s = self._wait_s(keys[0], 1 if tried else TRIES, now_s)
        if wait_s > 0:
            return Attempt((), wait_s)
        for key in keys:
            self._count(key, 1, now_s)
        return Attempt(keys, 0.0)

    def was_right(self, attempt: Attempt, now_s: float) -> None:
        """It does not count."""
        for key in attempt.keys:
            self._count(key, -1, now_s)

    def _wait_s(self, key: Key, most: int, now_s: float) -> float:
        return max(0.0, (self._tries(key, now_s) - (most - 1)) * GIVEN_BACK_S)

    def _tries(self, key: Key, now_s: float) -> float:
        tries, at_s = self._known.get(key, (0.0, now_s))
        return max(0.0, tries - max(0.0, now_s - at_s) / GIVEN_BACK_S)

    def _count(self, key: Key, more: int, now_s: float) -> None:
        tries = self._tries(key, now_s) + more
        self._known.pop(key, None)
        if tries > 0:
            self._known[key] = min(tries, TRIES_OF_NAME), now_s
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
