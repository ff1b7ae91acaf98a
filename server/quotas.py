"""How many rows a site may deliver: a minute's worth at once, then as many as flow in.

A batch is taken whole while anything is left, and what it has too much is paid before the next one: so no batch is too
large for its quota, and the rate holds over time.
"""

from collections import OrderedDict

BURST_S = 60.0
MOST_SITES_COUNTED = 100_000  # of more, those that were silent for longest start anew


class Quotas:
    """The quotas of all sites; a site whose quota is whole takes no memory."""

    def __init__(self, rows_per_minute: int) -> None:
        """`rows_per_minute`: 0 = as many as come."""
        self._row_s = 60.0 / rows_per_minute if rows_per_minute else 0.0
        self._paid_s: OrderedDict[str, float] = OrderedDict()  # site -> until when its rows are paid; the last is last

    def wait_s(self, site: str, now_s: float) -> float:
        """Seconds until the next batch of a site is taken; 0 = it is."""
        return max(0.0, self._paid_s.get(site, now_s) - now_s)

    def took(self, site: str, rows: int, now_s: float) -> None:
        """Count the rows of a batch that was taken."""
        if not self._row_s:
            return
        paid_s = max(self._paid_s.pop(site, now_s - BURST_S), now_s - BURST_S) + rows * self._row_s
        self._paid_s[site] = paid_s
        while len(self._paid_s) > MOST_SITES_COUNTED or next(iter(self._paid_s.values())) <= now_s - BURST_S:
            self._paid_s.popitem(last=False)
