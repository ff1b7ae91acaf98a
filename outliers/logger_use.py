"""What pressure does a logger inside a zone have if nothing is wrong? The inlet's, less the head loss of the flow.

The loss grows with the flow to the power of 1.85. How much of it a logger feels is learnt from the site's archive, as a
part by the hour of the day is: what people use near it does not follow the whole zone. What remains is the residual. It
falls if water leaves near the logger, or a valve near it is shut, and it moves if the logger drifts.
"""

from dataclasses import dataclass

WINDOWS_H = (2, 6, 12)  # a fall is the mean of so many hours against the day before them
BASE_H = 24
# Weight of an hour in the slow level: a fall is one below this, too, so that the end of a rise is none.
LEVEL = 2.0 / (15 * 24 + 1)
LEVEL_CUT = 3.0  # spreads: an hour that is further off moves the level no more than this


@dataclass(frozen=True, slots=True)
class LoggerUse:
    """The usual pressure of a logger.

    Attributes:
        area: the zone or meter in whose settings it stood when this was learnt.
        inlets, shares: the meters whose pressure it follows, and how much of each.
        mean_m3h: mean flow of the area.
        still_bar: 24 numbers, by the local hour: what it reads above the inlets' share, at zero flow.
        slope_bar: change in pressure at (flow / mean) ** 1.85 = 1; negative.
        hour_rows: the fewest minutes with values of an hour that counts.
        spread_bar: robust spread of the hourly residual.
        memory: share of an hour's residual that remains an hour later.
        low_bar: limits of a fall, one for each of `WINDOWS_H`.
        level_bar: slow level of the residual at the end of the archive.
        drift_bar: limit of a day's mean residual.
    """

    area: str
    inlets: tuple[str, ...]
    shares: tuple[float, ...]
    mean_m3h: float
    still_bar: tuple[float, ...]
    slope_bar: float
    hour_rows: int
    spread_bar: float
    memory: float
    low_bar: tuple[float, ...]
    level_bar: float
    drift_bar: float


def next_level(level: float, residual: float, spread: float) -> float:
    """The slow level after an hour."""
    most = LEVEL_CUT * spread
    return level + LEVEL * min(max(residual - level, -most), most)
