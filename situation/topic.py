"""How the reading of a center's topic goes: what the database says of its partitions, and what its readers have met."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from common.verdict import TROUBLE, WATCH, Problem, Value

UNREAD_S = 300.0  # another machine takes the partitions of one that has died within a minute
LATE_S = 900.0  # a restart and what waited meanwhile are over by then
VERY_LATE_S = 7200.0  # retention may remove rows that nobody has read
MOST_NAMED = 10
SUBJECT = "topic"
_MET = {"topic-expired": TROUBLE, "topic-cut": TROUBLE, "topic-anew": WATCH, "topic-strange": WATCH}


class PartitionState(NamedTuple):
    """Of a partition. None = not known.

    Attributes:
        lag: messages that are not stored, when its reader looked.
        unread_s: seconds since its reader looked.
        behind_s: all messages of so long ago are stored.
    """

    topic: str
    partition: int
    lag: int | None
    unread_s: float | None
    behind_s: float | None

    @property
    def is_read(self) -> bool:
        return self.unread_s is not None and self.unread_s <= UNREAD_S


def behind_s(partitions: Iterable[PartitionState]) -> float:
    """All messages of so long ago are stored; 0 where there is no topic, inf where it is not known."""
    return max((math.inf if each.behind_s is None else each.behind_s for each in partitions), default=0.0)


def read_through(partitions: Iterable[PartitionState], now: datetime) -> datetime | None:
    """All messages of that time are stored; `now` where there is no topic, None where it is not known."""
    behind = behind_s(partitions)
    return now - timedelta(seconds=behind) if math.isfinite(behind) else None


def of_partitions(partitions: Iterable[PartitionState]) -> Iterator[Problem]:
    """Partitions that nobody reads, and those that are read late."""
    known = list(partitions)
    unread = [each for each in known if not each.is_read]
    late = [each for each in known if each.is_read and each.lag and (each.behind_s is None or each.behind_s > LATE_S)]
    if unread:
        yield Problem(TROUBLE, SUBJECT, "topic-unread", _names(unread) | _longest("unread_s", unread))
    if late:
        behind = _longest("behind_s", late)
        kind = TROUBLE if behind.get("behind_s", 0.0) > VERY_LATE_S else WATCH
        yield Problem(
            kind, SUBJECT, "topic-late", {**_names(late), "rows": sum(each.lag or 0 for each in late), **behind}
        )


def of_readers(counters: Mapping[str, Any]) -> Iterator[Problem]:
    """What the archive of a center has met in its topic in the last days."""
    for code, kind in _MET.items():
        found = counters.get(code.replace("-", "_"))
        if isinstance(found, int) and found > 0:
            yield Problem(kind, SUBJECT, code, {"rows": found})


def _names(partitions: list[PartitionState]) -> dict[str, Value]:
    names = [str(each.partition) for each in partitions]
    return {"partitions": ", ".join([*names[:MOST_NAMED], *["..."][: len(names) - MOST_NAMED]])}


def _longest(name: str, partitions: list[PartitionState]) -> dict[str, float]:
    known = [span for each in partitions if (span := getattr(each, name)) is not None]
    return {name: max(known)} if known else {}
