"""Local times to UTC.

The repeated hour in autumn: its first pass is summer time; the second begins where the file's times go back. A file
with the hour only once means the first pass. In a file with the newest row first, all this is the other way round.
Times skipped in spring do not exist: such rows are left out and counted. Times with a UTC offset are exact.
"""

from datetime import datetime, timedelta, tzinfo

import numpy as np
import numpy.typing as npt

from common.file_times import DAY_US, EXACT

Times = npt.NDArray[np.int64]  # microseconds since 1970
_EPOCH = datetime(1970, 1, 1)
_LAST_DAY = (datetime(9998, 12, 31) - _EPOCH).days


class WallClock:
    """The clock of a file; its rows come in pieces, in the file's order."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._offsets: dict[int, int | None] = {}  # of a day, in microseconds; None: it changes on that day
        self._backwards: bool | None = None  # whether the newest row comes first; None: not known yet
        self._last = 0
        self._second_pass = False
        self.skipped = 0

    def utc(self, times: Times) -> tuple[Times, npt.NDArray[np.bool_]]:
        """The instants of a piece's local times, and which of them exist."""
        exact = times > EXACT // 2
        local = np.where(exact, times - EXACT, times)
        if self._backwards is None and len(local) > 1:
            steps = np.diff(local)
            self._backwards = int((steps < 0).sum()) > int((steps > 0).sum())
        out, exists = local.copy(), np.ones(len(local), dtype=bool)
        days, where = np.unique(local // DAY_US, return_inverse=True)
        offsets = [self._offset(int(day)) for day in days]
        ordinary = np.array([offset or 0 for offset in offsets], dtype=np.int64)[where]
        out[~exact] -= ordinary[~exact]
        changing = np.array([offset is None for offset in offsets], dtype=bool)[where] & ~exact
        for place in np.flatnonzero(changing):
            instant = self._resolve(int(local[place]))
            exists[place] = instant is not None
            out[place] = instant or 0
        self.skipped += int((~exists).sum())
        return out, exists

    def _offset(self, day: int) -> int | None:
        if day not in self._offsets:
            start = _EPOCH + timedelta(days=min(max(day, -700_000), _LAST_DAY))
            first, last = (_offset(start + timedelta(days=days), self._zone) for days in (0, 1))
            self._offsets[day] = first if first == last else None
        return self._offsets[day]

    def _resolve(self, local_us: int) -> int | None:
        """The instant of a time on a day on which the clock changes; None if it does not exist."""
        local = _EPOCH + timedelta(microseconds=local_us)
        before, after = _offset(local, self._zone), _offset(local.replace(fold=1), self._zone)
        if before == after:
            return local_us - before
        if before < after:
            return None
        new = self._last // DAY_US != local_us // DAY_US
        turned = local_us >= self._last if self._backwards else local_us <= self._last
        self._second_pass = not new and (self._second_pass or turned)
        self._last = local_us
        return local_us - (after if self._second_pass is not bool(self._backwards) else before)


def _offset(local: datetime, zone: tzinfo) -> int:
    offset = local.replace(tzinfo=zone).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)
