"""Rows of a district that does not use as usual because no water comes, or has just come back.

While no water comes the flow is none that can be trusted, and the pressure does not say otherwise. When it is back,
pipes and tanks fill: nobody knows how much of the flow is use. This is the one definition, by the letters of a row: for
the detector, for learning, and for the forecasts, whose SQL counts the same rows (`forecast_hours`).
"""

import msgspec

from common.state_file import Minute

OUTSIDE, STUCK = "R", "S"  # letters of SYSTEM
NO_FLOW_M3H = 0.1  # at which a meter stands still; one that is stuck at more has failed
STEPPED = "P"  # letter of PREDICT: the pressure has stepped, and not by the flow
RUNS_EMPTY_MIN = 60  # before the first such row the flow falls already
LEAST_MIN = 10  # of an outage; shorter ones are an instrument's
FILLS_MOST_MIN = 12 * 60  # tanks fill for as long as no water came, but their size is about that of a day's use
MOSTLY_FULL = 0.5  # of that time: a forecast without newer hours would err by more than by what still fills


def is_dry(flow_letter: str, flow: float | None, pressure_letter: str, *, stepped: bool) -> bool:
    """Whether no water comes, by SYSTEM's letters and the flow, m3/h. `stepped`: the pressure has stepped."""
    stands = flow_letter == OUTSIDE or (flow_letter == STUCK and flow is not None and flow < NO_FLOW_M3H)
    return stands and (stepped or pressure_letter != "0")


def row_is_dry(flow: float | None, flow_flags: str, pressure_flags: str) -> bool:
    """The same of a stored row, by its flags."""
    return is_dry(flow_flags[:1], flow, pressure_flags[:1], stepped=STEPPED in pressure_flags[1:].upper())


def fills_min(minutes: int) -> int:
    """For how long pipes and tanks fill after so many minutes without water."""
    return min(minutes, FILLS_MOST_MIN) if minutes >= LEAST_MIN else 0


class Outage(msgspec.Struct):
    """The state of what follows the rows of one sensor.

    Attributes:
        first, last: first and last row without water of an outage whose tanks may still fill; None: there is none.
    """

    first: Minute | None = None
    last: Minute = 0

    def on_row(self, minute: int, *, dry: bool) -> bool:
        """Whether the flow of this row may be taken for usual use."""
        if dry:
            self.first, self.last = minute if self.first is None else self.first, minute
            return False
        if self.first is None:
            return True
        if minute - self.last > fills_min(self.last - self.first + 1):
            self.first = None
        return self.first is None
