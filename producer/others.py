"""Whoever else speaks on an RS-485 line: which of the frames heard are too many, and who the second master is."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from common.meters import FUNCTIONS, LATE_TIMEOUTS, Asked
from producer.overheard import Frame, frames

MOST_HEARD = 256  # bytes between two questions: older ones tell nothing about the next answer
MOST_NAMED = 100  # different questions of others that are remembered
REMEMBERED_S = 600.0  # a master that has not asked for so long is gone
NAMED_AFTER = 2  # sightings: a question in random bytes is rare, twice the same one does not happen
SURE_OF_ECHO = 3  # questions in a row, with or without an echo
WAITS = 4  # timeouts: how long our question waits for other masters' answers at most


_Who = TypeVar("_Who")


class _Sighting(NamedTuple):
    at_s: float
    times: int


class Extra(NamedTuple):
    """Why an answer may not be ours."""

    reason: str  # for the counter
    problem: str  # for people


_MASTER = Extra("second-master", "in the time of another master's request")
_LATE = Extra("late", "with it came another one, perhaps the late answer to an earlier request")
_TWICE = Extra("twice", "two answers came to one request")
_SECOND = Extra("twice", "with it came a second answer to the request before")
_REFUSAL_TOO = Extra("twice", "a refusal and an answer came to one request")


class Others:
    """Takes all bytes; says what is foreign in the time of our question."""

    def __init__(self, timeout_s: float) -> None:
        self.heard: list[Frame] = []  # in the time of our last question
        self.perhaps_echo = False  # what looked like our echo may be the same question of another master
        self._timeout_s = timeout_s
        self._idle = b""  # heard while none of our questions is pending
        self._idle_s = 0.0
        self._before = b""  # of that, an incomplete frame that reaches into the time of our question
        self._tail = b""  # in the time of our question, after the last whole frame
        self._pending: tuple[int, int] | None = None  # unit and function of a foreign question without its answer
        self._echo = 0  # from -SURE_OF_ECHO (this line has none) to SURE_OF_ECHO
        self._masters: dict[str, _Sighting] = {}
        self._twice: dict[int, _Sighting] = {}  # units that answered a request twice
        self._once: set[int] = set()  # units after whose answer nothing more came
        self._answered: tuple[Asked, float] | None = None  # our last question, and when it was answered

    def idle(self, chunk: bytes, now_s: float) -> None:
        """Bytes, while none of our questions is pending."""
        self._idle = (self._idle + chunk)[-MOST_HEARD:]
        self._idle_s = now_s

    def in_the_way(self, asked: Asked, since_s: float, now_s: float) -> bool:
        """Whether the answer to another master's question to the same unit, or a second one to our own, is still to
        come: it would look like ours. A question of ours that is due since `since_s` does not wait for ever."""
        self._look_at_idle(now_s)
        if self._second_may_come(asked.unit, now_s):
            return True
        recent = now_s - self._idle_s < self._timeout_s
        alike = self._pending == (asked.unit, FUNCTIONS[asked.function])
        if recent and alike and now_s - since_s < WAITS * self._timeout_s:
            return True
        self._before = self._idle if recent else b""
        self._idle, self._pending = b"", None
        return False

    def _look_at_idle(self, now_s: float) -> None:
        end = 0
        for frame in frames(self._idle):
            end = frame.end
            if frame.question:
                self._pending = frame.unit, frame.function
                self._note(frame, now_s)
            elif self._pending == (frame.unit, frame.function):
                self._pending = None
            elif self._is_second(frame, self._idle_s):
                self._see(self._twice, frame.unit, now_s)
        self._idle = self._idle[end:]
        if self._answered and now_s - self._answered[1] >= self._timeout_s:
            self._once.add(self._answered[0].unit)

    def answered(self, asked: Asked, late: Sequence[Asked], now_s: float) -> None:
        """Our question was answered. What comes now may be its second answer, unless a late one is to come."""
        self._answered = None if any(question.unit == asked.unit for question in late) else (asked, now_s)

    def _second_may_come(self, unit: int, now_s: float) -> bool:
        """Whether a second answer to our last question may come into the time of the next one, to this unit."""
        if self._answered is None or now_s - self._answered[1] >= self._timeout_s:
            return False
        last = self._answered[0].unit
        return last in self._twice or (last == unit and unit not in self._once)

    def _is_second(self, frame: Frame, now_s: float) -> bool:
        """Whether this answers our last question once more."""
        if self._answered is None:
            return False
        asked, at_s = self._answered
        return frame.answers(asked) and now_s - at_s < LATE_TIMEOUTS * self._timeout_s

    def foreign(self, asked: Asked, late: Sequence[Asked], sent: bytes, came: bytes, now_s: float) -> Extra | None:
        """What there is in the time of our question beside its echo and one answer; `late`: earlier questions whose
        answers may come now."""
        answers: list[Frame] = []
        echoes = strangers = seconds = 0
        most_echoes = 0 if self._echo == -SURE_OF_ECHO else 1
        heard = self._before + came
        self.heard = list(frames(heard))
        self._tail = heard[self.heard[-1].end :] if self.heard else heard
        for frame in self.heard:
            ours = frame.begin >= len(self._before)  # it did not begin before our question
            if frame.bytes == sent and ours and not answers and echoes < most_echoes:
                echoes += 1
            elif frame.answers(asked):
                answers.append(frame)
            elif any(frame.answers(question) for question in late):
                continue
            elif self._is_second(frame, now_s):
                seconds += 1
                self._see(self._twice, frame.unit, now_s)
            else:
                strangers += 1
                self._note(frame, now_s)
        if answers and not echoes and self._echo == SURE_OF_ECHO:
            strangers += 1  # an answer before the echo of the question
            self._echo -= 1
        elif len(answers) == 1 and not (strangers or seconds):
            self._echo = max(-SURE_OF_ECHO, min(SURE_OF_ECHO, self._echo + (1 if echoes else -1)))
        self.perhaps_echo = echoes > 0 and self._echo < SURE_OF_ECHO
        if strangers:
            return _MASTER
        if len(answers) > 1:
            return self._too_many(asked, answers, late, now_s)
        return _SECOND if seconds else None

    def _too_many(self, asked: Asked, answers: list[Frame], late: Sequence[Asked], now_s: float) -> Extra:
        """What several answers to one question are."""
        if any(frame.answers(question) for question in late for frame in answers):
            return _LATE
        self._see(self._twice, asked.unit, now_s)
        return _TWICE if len({frame.bytes[1] for frame in answers}) == 1 else _REFUSAL_TOO

    def question_over(self, now_s: float) -> None:
        """Our question is over; a frame that has begun belongs to the time after it."""
        self.idle(self._tail, now_s)
        self._before = self._tail = b""

    def _note(self, frame: Frame, now_s: float) -> None:
        if frame.question:
            self._see(self._masters, frame.describe(), now_s)

    def _see(self, sightings: dict[_Who, _Sighting], who: _Who, now_s: float) -> None:
        seen = sightings.get(who)
        if seen and now_s - seen.at_s < self._timeout_s:
            return  # perhaps the same frames once more: the bytes are looked at again
        if seen or len(sightings) < MOST_NAMED:
            sightings[who] = _Sighting(now_s, seen.times + 1 if seen else 1)

    def problem(self, now_s: float) -> str:
        """The second master and the units that answer twice, for people; empty if there is none."""
        return "; ".join(filter(None, [self._second_master(now_s), self._answering_twice(now_s)]))

    def _second_master(self, now_s: float) -> str:
        named = _named(self._masters, now_s)
        if not named:
            return ""
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        return (
            f"a second master is on this line and asks {', '.join(named[:3])}{more}: values in its time are dropped; "
            "let only one of the two ask this line, or set line.modbus.poll_seconds higher"
        )

    def _answering_twice(self, now_s: float) -> str:
        named = _named(self._twice, now_s)
        if not named:
            return ""
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        units = ", ".join(f"unit {unit}" for unit in sorted(named)[:3]) + more
        return (
            f"two answers come to one request to {units}: have two units the same address, or does a converter or "
            "gateway on the way send twice?"
        )

    def restart(self) -> None:
        """The line was reopened."""
        self._idle, self._before, self._pending, self._answered = b"", b"", None, None


def _named(sightings: dict[_Who, _Sighting], now_s: float) -> list[_Who]:
    """Who was seen often enough; the others that have not been seen for long are forgotten."""
    for who in [who for who, seen in sightings.items() if now_s - seen.at_s >= REMEMBERED_S]:
        del sightings[who]
    return [who for who, seen in sightings.items() if seen.times >= NAMED_AFTER]
