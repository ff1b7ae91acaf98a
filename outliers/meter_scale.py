"""Does the flow meter read at the right scale? The pressure responds to the flow, so it shows the scale error.

Within a quarter of an hour supply and habits hardly change, and flow and pressure only change together: more flow means
more head loss at the inlet. How much is a property of the pipe. If a meter reads 10 % high, each m3/h that it shows
seems to lose less pressure. A leak, a holiday or a warm week does not change this, because its flow loses pressure like
any other. So the slope of the pressure over the flow, from thousands of minutes, shows the scale error of the meter,
whatever people use.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScaleUse:
    """The usual response of the pressure to the flow within quarters of an hour.

    Attributes:
        slope_bar: change in pressure at (flow / mean) ** 1.85 = 1; negative.
        scatter_bar2: variance of a minute about that in a typical quarter.
        error2: variance of the relative scale error when the summed squared head-loss term is 1; falls as 1 / sum.
        limit: score (size over error) that the archive exceeds once in years.
    """

    slope_bar: float
    scatter_bar2: float
    error2: float
    limit: float
