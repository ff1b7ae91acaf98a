"""The sizes of leaks that are found at a sensor: the value alone, as `outliers.detectability` computes it.

Whoever learns criteria keeps it in their file, so that the page can tell it without computing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

NIGHTS = 5
HOURS = 24
SURE_WEEKS = 24.0  # about half a year


class Lack(StrEnum):
    """What a site lacks, so that less is found."""

    NIGHTS = "nights"  # too few are learnt: NIGHT does not work
    FLICKER = "flicker"  # use does not show in the minutes: the meter's noise, its pulses, or its damping hide it


@dataclass(frozen=True, slots=True)
class Detectability:
    """Sizes of leaks, m3/h, that become a LEAK within a term 9 times of 10.

    Attributes:
        hour_m3h: within an hour, by the local hour of the day in which it begins: 24 numbers.
        day_m3h: within a day.
        nights_m3h: within `NIGHTS` nights.
        lacks: what does not work here.
        weeks: of rows that it was learnt from.
    """

    hour_m3h: tuple[float, ...]
    day_m3h: float
    nights_m3h: float
    lacks: tuple[Lack, ...]
    weeks: float

    @property
    def estimate(self) -> bool:
        """Whether the archive is short: limits are wider than those of half a year, and less certain."""
        return self.weeks < SURE_WEEKS


def parsed(body: Mapping[str, Any]) -> Detectability:
    """As JSON has it; there None stands for an infinite size, which JSON cannot write.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    hours = tuple(_size(value) for value in body["hour_m3h"])
    if len(hours) != HOURS:
        raise ValueError(f"{len(hours)} hours of a day")
    lacks = tuple(Lack(lack) for lack in body["lacks"])
    return Detectability(hours, _size(body["day_m3h"]), _size(body["nights_m3h"]), lacks, float(body["weeks"]))


def _size(value: float | None) -> float:
    return math.inf if value is None else float(value)
