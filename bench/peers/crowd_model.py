"""A small simulation: boxes that deliver every ten minutes to some fronts. Costs are given; a second is a step.

A front answers as many batches a second as its core allows, the others wait on its connections, for which it has so
many places. Who comes when none is free takes the place of the one that has waited longest, and that box comes again
later, as boxes do: after a time that doubles, shortened by up to half at random.
"""

from collections import Counter, deque
from dataclasses import dataclass

from consumer.answers import RETRY
from server.front import MOST_BOXES

WINDOW_S = 600
COME_S = 10  # producers close a minute a few seconds late, processes wake once a second, clocks differ


@dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds of a front's core: a batch that is taken, with its connection; and one that is not."""

    taken_ms: float
    put_off_ms: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """What became of a window's batches."""

    last_s: int  # after the ten minutes, when the last box was served; WINDOW_S: not before the next ones came
    put_off: float  # times, the average box
    worst: int  # times, the box that was put off most
    busy: float  # share of the fronts' cores over the window


Coming = dict[int, Counter[int]]  # second -> how often they were put off -> boxes
Waiting = deque[tuple[int, int]]  # how often they were put off, boxes; the first have waited longest


def simulate(boxes: int, fronts: int, costs: Costs, spread_s: int = COME_S) -> Crowd:
    """One window. `spread_s`: seconds over which the boxes come."""
    coming, waiting = Coming(), Waiting()
    _share_out(coming, 0, boxes, range(spread_s))
    second = put_off = worst = 0
    left, used_ms, core_ms = boxes, 0.0, fronts * 1000.0
    while left and second < WINDOW_S:
        waiting.extend(sorted(coming.pop(second, Counter()).items()))
        away = max(0, sum(number for _, number in waiting) - fronts * MOST_BOXES)
        put_off += away
        for times, number in _first(waiting, away):
            worst = max(worst, times + 1)
            longest_s = min(RETRY.cap_s, RETRY.first_s * 2.0**times)
            seconds = range(second + max(1, round(longest_s / 2)), second + 1 + max(1, round(longest_s)))
            _share_out(coming, times + 1, number, seconds)
        free_ms = max(0.0, core_ms - away * costs.put_off_ms)
        done = sum(number for _, number in _first(waiting, int(free_ms / costs.taken_ms)))
        left -= done
        used_ms += core_ms - free_ms + done * costs.taken_ms
        second += 1
    return Crowd(second, put_off / boxes, worst, used_ms / core_ms / WINDOW_S)


def _first(waiting: Waiting, number: int) -> list[tuple[int, int]]:
    """Take out so many of those that have waited longest, or all if they are fewer."""
    found = []
    while number and waiting:
        times, there = waiting.popleft()
        if there > number:
            waiting.appendleft((times, there - number))
        found.append((times, min(there, number)))
        number -= min(there, number)
    return found


def _share_out(coming: Coming, times: int, number: int, seconds: range) -> None:
    for place, second in enumerate(seconds):
        share = number * (place + 1) // len(seconds) - number * place // len(seconds)
        if share:
            coming.setdefault(second, Counter())[times] += share
