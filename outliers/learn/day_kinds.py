"""Local time and kind of day of an archive's rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from outliers.rules import SUNDAY

Ints = np.ndarray
EPOCH = date(1970, 1, 1)
HOURS = 24


@dataclass(frozen=True, slots=True)
class Calendar:
    """Local time of each row: `local` = local minutes since 1970, `kind` = day of week, or Sunday for a holiday."""

    local: Ints
    kind: Ints  # one per row

    @classmethod
    def of(cls, first: int, rows: int, zone: ZoneInfo, holidays: Collection[date]) -> "Calendar":
        """For `rows` minutes from UTC minute `first`, which starts an hour."""
        offsets = []
        for hour in range(-(-rows // 60)):
            moment = datetime.fromtimestamp((first + hour * 60) * 60, zone)
            offset = moment.utcoffset() or timedelta()
            offsets.append(int(offset.total_seconds()) // 60)
        local = first + np.arange(rows) + np.repeat(np.array(offsets), 60)[:rows]
        days = local // 1440
        kind = (days + 3) % 7  # 1970-01-01 was a Thursday
        for holiday in holidays:
            kind[days == (holiday - EPOCH).days] = SUNDAY
        return cls(local, kind)

    def hour_of(self, rows: Ints) -> Ints:
        """Local hour of the day of the given rows."""
        hours: Ints = self.local[rows] % 1440 // 60
        return hours

    def slot_of(self, rows: Ints) -> Ints:
        """Hour of the week of the given rows, 0 to 167: 24 for each day, Monday first."""
        slots: Ints = self.kind[rows] * HOURS + self.hour_of(rows)
        return slots

    def with_sundays(self, days: Ints) -> "Calendar":
        """A copy in which the local `days` (since 1970) are Sundays."""
        return Calendar(self.local, np.where(np.isin(self.local // 1440, days), SUNDAY, self.kind))

    @property
    def quarter(self) -> Ints:
        """Local quarter of the day of each row."""
        quarters: Ints = self.local % 1440 // 15
        return quarters
