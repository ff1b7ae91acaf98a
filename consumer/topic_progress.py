"""How far behind each partition is, in messages and in seconds. Pure: places and times in."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Behind(NamedTuple):
    """Of a partition.

    Attributes:
        messages: that are not stored.
        seconds: all messages of so long ago are stored; None = not known yet.
    """

    messages: int
    seconds: float | None


class _Goal(NamedTuple):
    """An end that the partition had."""

    offset: int
    at_s: float


@dataclass(slots=True)
class TopicProgress:
    """A partition that gets messages all the time is never at its end: but it passes each end that it once had."""

    _goals: dict[int, _Goal] = field(default_factory=dict)
    _through_s: dict[int, float] = field(default_factory=dict)

    def see(self, partition: int, stored: int, end: int, now_s: float) -> Behind:
        """What is known now.

        Args:
            stored: all messages before this offset are stored.
            end: the offset that the cluster gives next, asked at `now_s`.
        """
        goal = self._goals.get(partition)
        if stored >= end:
            self._through_s[partition] = now_s
        elif goal is not None and stored >= goal.offset:
            self._through_s[partition] = goal.at_s
        if goal is None or stored >= goal.offset:
            self._goals[partition] = _Goal(end, now_s)
        through_s = self._through_s.get(partition)
        return Behind(max(0, end - stored), None if through_s is None else now_s - through_s)

    def keep(self, partitions: set[int]) -> None:
        """Forget all but these: others read the rest now."""
        for known in (self._goals, self._through_s):
            for partition in known.keys() - partitions:
                del known[partition]
