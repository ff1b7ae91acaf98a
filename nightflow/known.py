"""What a utility knows of a zone, and what follows from it: night use and unavoidable losses. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

# Of the quietest night, where nobody has counted the users: the usual range of a zone without large night users
# (Bentley, WaterSight: Estimating Night Consumption).
NIGHT_USE_SHARES = (0.1, 0.3)
NIGHT_LITRES = 0.6  # L/h per person: 6 % are active, each uses about ten litres
SHARE, USERS, FIXED, NIGHTS = "share", "users", "fixed", "nights"  # the source of a figure
DAY_HOURS_NEEDED = 20  # fewest hours with a pressure; the others count as their mean
METRES_PER_BAR = 10.197  # of water
# Unavoidable real losses in litres a day and metre of pressure, for each km of mains, each service connection, and each
# km of service pipe between property line and meter (Lambert et al., AQUA 48 (1999), 227-237).
UARL_MAIN, UARL_CONNECTION, UARL_SERVICE = 18.0, 0.8, 25.0


class Range(NamedTuple):
    """From the lowest to the highest; both are the same where it is one number."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SensorFigures:
    """The utility's settings of a sensor; None: unknown, then the defaults are used."""

    users: float | None = None  # people supplied through the meter
    litres: float | None = None  # L/h per person at night
    night_use_m3h: float | None = None  # overrides users
    n1: float | None = None
    reference_bar: float | None = None
    mains_km: float | None = None
    connections: float | None = None  # service connections
    service_km: float | None = None  # service pipe between property line and meter, all together
    replaced: date | None = None  # local date of the replacement: nights up to it belong to the old instrument


def litres(known: SensorFigures) -> float:
    """L/h of a person at night."""
    return known.litres if known.litres is not None else NIGHT_LITRES


def night_use(known: SensorFigures, nights_m3h: Sequence[float]) -> tuple[Range, str]:
    """Night use (m3/h) and its source: a fixed figure, the number of users, or the range of its usual share.

    `nights_m3h`: quietest hours of the last nights, including this one.
    """
    if known.night_use_m3h is not None:
        return Range(known.night_use_m3h, known.night_use_m3h), FIXED
    if known.users is not None:
        used_m3h = known.users * litres(known) / 1000
        return Range(used_m3h, used_m3h), USERS
    quietest = max(0.0, min(nights_m3h))
    return Range(*(share * quietest for share in NIGHT_USE_SHARES)), SHARE


def unavoidable(known: SensorFigures, hours_bar: Sequence[float]) -> float | None:
    """Unavoidable real losses (UARL) of a day, m3, at its mean pressure; None if an input is missing."""
    if known.mains_km is None or known.connections is None or known.service_km is None:
        return None
    if len(hours_bar) < DAY_HOURS_NEEDED:
        return None
    metres = statistics.fmean(hours_bar) * METRES_PER_BAR
    each_metre = UARL_MAIN * known.mains_km + UARL_CONNECTION * known.connections + UARL_SERVICE * known.service_km
    return max(0.0, each_metre * metres / 1000)
