"""The model's inputs by name, unit and meaning: each of the last hours, the origin, each hour to be forecast.

Whatever counts inputs, or wants one of them, asks these tables. Their order is that of the weights in `models/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from forecaster.dataset import Channel
from forecaster.fallback import DAY

Array = npt.NDArray[np.float32]

DAYS = 28  # how far the inputs look back
SPAN = DAYS * DAY
WINDOWS_H = (3, 6, 12, 24, 72, 168, SPAN)  # own residual means
CROSS_H = (1, 3, 24, 168, SPAN)  # means of the others and of the partner
RECENT_H, CROSS_RECENT_H, BASE_RECENT_H = 24, 6, 4  # last hours in full: own, of the others, of the base
STEPS = 48  # hours that the LSTM reads; older ones come as means and as the same hour of other days
KINDS: tuple[Channel, ...] = ("flow", "pressure", "level")


class Input(NamedTuple):
    """One model input, or `columns` neighbours of one meaning. Units: 1 (a mask, a share, a sine), scale (the series'
    mean change in a week), swing (the spread of its values)."""

    name: str
    unit: str
    meaning: str
    columns: int = 1


# own: the residual of this series; others: the mean of the others of its kind; partner: the sensor's other channel.
BASES = (
    Input("plain_base", "scale", "mean of the last four weeks, minus the base"),
    Input("slow_base", "scale", "base with a shape from half a year, minus the base"),
    Input("day_type_base", "scale", "base with the shape of workday, Saturday or Sunday, minus the base"),
)
HOUR_INPUTS = (  # of each of the last STEPS hours
    Input("own", "scale", "own residual, 0 where missing"),
    Input("seen", "1", "whether it is there"),
    Input("others", "scale", "mean residual of the others"),
    Input("partner", "scale", "residual of the partner"),
    Input("base", "swing", "the base, from the centre of the series"),
    Input("spread", "scale", "deviation of the last four weeks"),
    *BASES,
)
DAY_CIRCLE = (
    Input("day_sin", "1", "hour of the day as a circle"),
    Input("day_cos", "1", "the same"),
    Input("half_day_sin", "1", "hour of the half day as a circle"),
    Input("half_day_cos", "1", "the same"),
)
CALENDAR = (
    *DAY_CIRCLE,
    Input("week_sin", "1", "hour of the week as a circle"),
    Input("week_cos", "1", "the same"),
    Input("saturday", "1", "whether it is one"),
    Input("sunday", "1", "whether it is one, or a holiday"),
    Input("year_cos", "1", "winter 1, summer -1"),
)
SHARED_INPUTS = (  # of the origin: the same for all leads
    Input("own_hours", "scale", "own residual of the last hours, newest last", RECENT_H),
    Input("seen_hours", "1", "whether they are there", RECENT_H),
    Input("own_means", "scale", "mean own residual over WINDOWS_H", len(WINDOWS_H)),
    Input("own_sizes", "scale", "mean size of the own residual over WINDOWS_H", len(WINDOWS_H)),
    Input("others_hours", "scale", "the others in the last hours, newest last", CROSS_RECENT_H),
    Input("others_means", "scale", "their means over CROSS_H", len(CROSS_H)),
    Input("partner_hours", "scale", "the partner in the last hours, newest last", CROSS_RECENT_H),
    Input("partner_means", "scale", "its means over CROSS_H", len(CROSS_H)),
    Input("base_hours", "swing", "the base at the origin and in the hours before, newest first", BASE_RECENT_H),
    *DAY_CIRCLE,
    Input("spread", "scale", "deviation of the last four weeks at the origin's hour"),
    Input("seen_week", "1", "share of the last week that is there"),
    Input("kind", "1", "1 at the series' place in KINDS", len(KINDS)),
)
LEAD_INPUTS = (  # of each hour to be forecast
    Input("base", "swing", "the base, from the centre of the series"),
    Input("base_rise", "swing", "the base minus that at the origin"),
    Input("spread", "scale", "deviation of the last four weeks"),
    Input("weeks", "1", "share of those four weeks that was there"),
    *BASES,
    Input("own_1_week", "scale", "own residual a week before"),
    Input("seen_1_week", "1", "whether it is there"),
    Input("own_2_weeks", "scale", "own residual two weeks before"),
    Input("seen_2_weeks", "1", "whether it is there"),
    Input("own_3_weeks", "scale", "own residual three weeks before"),
    Input("seen_3_weeks", "1", "whether it is there"),
    Input("own_1_day", "scale", "own residual at the same hour of the last day that is known"),
    Input("seen_1_day", "1", "whether it is there"),
    Input("own_2_days", "scale", "own residual at the same hour of the day before that"),
    Input("seen_2_days", "1", "whether it is there"),
    Input("own_1_day_next", "scale", "own residual of the last day, an hour later"),
    Input("own_1_day_previous", "scale", "own residual of the last day, an hour earlier"),
    Input("own_week_mean", "scale", "mean own residual at this hour of the last 7 days"),
    Input("own_month_mean", "scale", "mean own residual at this hour of the last 28 days"),
    Input("others_1_day", "scale", "the others at the same hour of the last day"),
    Input("others_1_week", "scale", "the others a week before"),
    Input("partner_1_day", "scale", "the partner at the same hour of the last day"),
    Input("partner_1_week", "scale", "the partner a week before"),
    Input("lead_log", "1", "logarithm of the lead, fifth"),
    Input("lead_fade", "1", "1 at the next hour, fading over three hours"),
    *CALENDAR,
)
HOUR, SHARED, LEAD = (sum(i.columns for i in table) for table in (HOUR_INPUTS, SHARED_INPUTS, LEAD_INPUTS))


def columns(table: tuple[Input, ...], name: str) -> slice:
    """Where an input stands among those of its table."""
    at = [i.name for i in table].index(name)
    first = sum(i.columns for i in table[:at])
    return slice(first, first + table[at].columns)


def in_order(table: tuple[Input, ...], values: Mapping[str, Array]) -> Array:
    """The inputs [..., columns] (one of a single column: [...]) side by side, as the model expects them."""
    if values.keys() != {i.name for i in table}:
        raise KeyError(f"not the inputs of the table: {values.keys() ^ {i.name for i in table}}")
    return np.concatenate([values[i.name] if i.columns > 1 else values[i.name][..., None] for i in table], -1)
