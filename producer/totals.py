"""Totals to rates: the flow from two readings of a volume counter."""

from common.meters import SILENT_POLLS

MOST_TOTAL_M3 = 1e12  # more than any counter of a pipe shows; larger numbers are damage
MOST_GAP_S = 180.0  # a mean over more than three minutes is not the flow of the last minute


def volume_between(before: float, after: float, rolls_over_at: float, most: float) -> float | None:
    """The volume between two totals; None if it was no flow: the counter was set, or the meter replaced.

    All in one unit. `rolls_over_at`: the value at which the counter returns to 0; 0 if it does not. `most`: the largest
    possible volume. A small step back is reverse flow. If several interpretations are possible, the smallest volume is
    meant.
    """
    step = after - before
    volume = min((step, step + rolls_over_at, step - rolls_over_at), key=abs)
    if abs(volume) > most or (after == 0 and volume < 0):
        return None
    return volume


class Rate:
    """The flow from one counter, reading by reading."""

    def __init__(self, rolls_over_at_m3: float, most_m3h: float, poll_s: float = 0.0) -> None:
        self._most_gap_s = max(MOST_GAP_S, SILENT_POLLS * poll_s)  # a total that is polled slowly
        self._rolls_over_at_m3 = rolls_over_at_m3
        self._most_m3h = most_m3h
        self._before: tuple[float, float] | None = None

    def at(self, total_m3: float, monotonic_s: float) -> float | None:
        """The mean flow (m3/h) since the last reading; None at the first, at the same time as the last, after a long
        gap, or if the counter was set. `monotonic_s` may be the meter's own time."""
        before = self._before
        if before and before[1] == monotonic_s:  # a meter's clock in whole minutes: the first total of each counts
            return None
        self._before = total_m3, monotonic_s
        if before is None:
            return None
        took_s = monotonic_s - before[1]
        if not 0 < took_s <= self._most_gap_s:
            return None
        most_m3 = self._most_m3h * took_s / 3600
        volume_m3 = volume_between(before[0], total_m3, self._rolls_over_at_m3, most_m3)
        return None if volume_m3 is None else volume_m3 * 3600 / took_s
