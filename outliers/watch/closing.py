"""What people say about the LEAKs of a sensor when they close the incident."""

from dataclasses import dataclass
from enum import Enum


class Said(Enum):
    """What it was, and what is true from now on."""

    REPAIRED = "repaired"  # it was a leak, and the water is back
    ACCEPTED = "accepted"  # it is known and goes on: the usual flow from now on
    FALSE_ALARM = "false-alarm"  # it was none: the usual flow from now on


@dataclass(frozen=True, slots=True)
class Closing:
    """An incident was closed.

    Attributes:
        second: UTC unix second at which it was closed.
        said: as what.
        raised: UTC minutes at which its LEAKs were raised.
        up: whether it was still up then.
    """

    second: int
    said: Said
    raised: tuple[int, ...]
    up: bool

    @property
    def minute(self) -> int:
        return self.second // 60
