"""Does the flow meter read in the right scale? The pressure answers to each litre, so it tells by how much.

Within a quarter of an hour the supply and the habits of the day stand still, and flow and pressure move only with one
another: more flow costs pressure on its way in. How much it costs is a property of the pipe. A meter that reads 10 %
too much makes each m3/h that it shows seem cheaper; a leak, a holiday or a warm week does not, since its flow is paid
for like any other. So the slope of the pressure over the flow, of thousands of minutes, says by what factor the meter
is wrong, whatever people use.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScaleUse:
    """The usual answer of the pressure to the flow, within quarters of an hour.

    Attributes:
        slope_bar: what (flow / mean) ** 1.85 = 1 costs; negative.
        scatter_bar2: variance of a minute about that, of the typical quarter.
        error2: squared error of the meter's scale from a sum of squares of (flow / mean) ** 1.85 of one.
        limit: of the scale's score (size over error) that the archive's own course would pass in years.
    """

    slope_bar: float
    scatter_bar2: float
    error2: float
    limit: float
