"""What a soak of a center counts: each row of each site, and whether what is called closed was there. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from common.row import Row

Rows = Mapping[str, Mapping[int, Row]]  # site -> offset -> row
MUST_BE_ZERO = (
    *("lost", "changed", "never appended", "doubled", "out of order"),
    *("closed too early", "closed moved back", "troubles of the topic"),
)


def compare(appended: Rows, stored: Rows, lying: Iterable[tuple[int, str, int]]) -> dict[str, int]:
    """What the boxes have appended, against the database and the topic (partition, site, offset of each row in it)."""
    minutes = Counter((site, row.minute, row.sensor) for site, rows in stored.items() for row in rows.values())
    wanted = [(site, offset, row) for site, rows in appended.items() for offset, row in rows.items()]
    found = [stored.get(site, {}).get(offset) for site, offset, _ in wanted]
    firsts: dict[tuple[int, str], dict[int, None]] = {}
    copies = 0
    for partition, site, offset in lying:
        firsts.setdefault((partition, site), {}).setdefault(offset)
        copies += 1
    names = {(site, offset) for (_, site), seen in firsts.items() for offset in seen}
    return {
        "rows appended by the boxes": len(wanted),
        "stored exactly once": sum(have == row for have, (_, _, row) in zip(found, wanted, strict=True)),
        "lost": sum(have is None for have in found),
        "changed": sum(have not in (None, row) for have, (_, _, row) in zip(found, wanted, strict=True)),
        "never appended": sum(offset not in appended.get(site, {}) for site, rows in stored.items() for offset in rows),
        "doubled": sum(count - 1 for count in minutes.values()),
        "out of order": sum(later < earlier for seen in firsts.values() for earlier, later in pairwise(seen)),
        "copies in the topic beside the first": copies - len(names),
    }


@dataclass(slots=True)
class Watch:
    """How far each site is in the database, looked at again and again.

    Attributes:
        longest_s: the longest time in which a site came no further, since `begin`.
        early: minutes that were called closed while a row of theirs was missing.
        back: times that a closed minute moved back.
    """

    longest_s: float = 0.0
    early: int = 0
    back: int = 0
    looks: int = 0
    _offsets: dict[str, int] = field(default_factory=dict)
    _moved_s: dict[str, float] = field(default_factory=dict)
    _closed: dict[str, int] = field(default_factory=dict)
    _goals: dict[str, int] = field(default_factory=dict)

    def begin(self, ends: Mapping[str, int]) -> None:
        """A fault comes; it is over when each site has come beyond its end of now."""
        self.longest_s, self._goals = 0.0, dict(ends)

    @property
    def recovered(self) -> bool:
        return all(self._offsets.get(site, 0) > goal for site, goal in self._goals.items())

    def see(self, offsets: Mapping[str, int], now_s: float) -> None:
        """How far the sites are now."""
        for site, offset in offsets.items():
            since_s = self._moved_s.setdefault(site, now_s)
            self.longest_s = max(self.longest_s, now_s - since_s)
            if offset > self._offsets.get(site, -1):
                self._offsets[site], self._moved_s[site] = offset, now_s

    def see_closed(self, site: str, closed: int, stored: int, appended: int) -> None:
        """A minute is called closed: so many rows of it and of those before are stored, and were appended."""
        self.looks += 1
        self.early += stored < appended
        self.back += closed < self._closed.get(site, closed)
        self._closed[site] = closed
