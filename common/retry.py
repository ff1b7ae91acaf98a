"""Retry as a value: how long to wait. It neither sleeps nor uses the network."""

import random
from dataclasses import dataclass

REFUSED_IN_A_ROW = 5  # this many different rows refused in a row: then the rows are not the cause


@dataclass(frozen=True)
class Backoff:
    """Waits that double from `first_s` to `cap_s`, each shortened by up to half at random.

    The jitter keeps a hundred boxes that lost the same server from retrying in the same second.
    """

    first_s: float = 1.0
    cap_s: float = 60.0

    def wait_s(self, failures: int, random_: random.Random | None = None) -> float:
        """Seconds to wait after the given number of failures in a row (1 = the first)."""
        whole = min(self.cap_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return whole * (1 - 0.5 * (random_ or random).random())
