"""Large uses that come at the same time of the day or of the week: a tank, a softener, an irrigation.

A use that ended by itself is remembered for a week. What begins at its time a day or a week later, and is not much
larger, is no leak until it has lasted clearly longer. A leak begins at any time, and outlasts it.
"""

import msgspec

from common.state_file import Minute
from outliers.rules import ORDINARY_H

PERIODS_MIN = (1440, 7 * 1440)
LONGEST_MIN = ORDINARY_H * 60  # what lasts longer is not remembered
APART_MIN = 60  # a start is known to the hour at worst
MORE = 1.5  # times the duration and the size of the last time
MOST_USES = 40  # five a day for a week, and some


class Use(msgspec.Struct, frozen=True, array_like=True):
    """A use that came and went: UTC minutes, and its size as share of the mean flow."""

    since: Minute
    until: Minute
    size: float


class Repeats(msgspec.Struct):
    """The large uses of one sensor's last week, oldest first."""

    uses: list[Use] = []

    def on_use(self, since: int, until: int, size: float) -> None:
        """What began at minute `since` has ended by itself, or still runs and was explained."""
        if until - since > LONGEST_MIN:
            return
        oldest = since - PERIODS_MIN[-1] - APART_MIN
        kept = [use for use in self.uses if use.since >= oldest and use.since != since]
        self.uses = [*kept, Use(since, until, size)][-MOST_USES:]

    def explain(self, since: int, minute: int, size: float) -> bool:
        """Whether what began at minute `since` and still runs may be such a use again."""
        again = any(
            abs(since - use.since - period) <= APART_MIN
            and minute - since <= MORE * (use.until - use.since)
            and size <= MORE * use.size
            for use in self.uses
            for period in PERIODS_MIN
        )
        if again:
            self.on_use(since, minute, size)
        return again
