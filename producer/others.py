"""Whoever else speaks on an RS-485 line: which of the frames heard are not ours, and who the second master is."""

from collections.abc import Sequence
from typing import NamedTuple

from common.meters import FUNCTIONS, Asked
from producer.overheard import Frame, frames

MOST_HEARD = 256  # bytes between two questions: older ones tell nothing about the next answer
MOST_NAMED = 100  # different questions of others that are remembered
REMEMBERED_S = 600.0  # a master that has not asked for so long is gone
NAMED_AFTER = 2  # sightings: a question in random bytes is rare, twice the same one does not happen
SURE_OF_ECHO = 3  # questions in a row, with or without an echo
WAITS = 4  # timeouts: how long our question waits for other masters' answers at most


class _Sighting(NamedTuple):
    at_s: float
    times: int


class Others:
    """Takes all bytes; says what is foreign in the time of our question."""

    def __init__(self, timeout_s: float) -> None:
        self.heard: list[Frame] = []  # in the time of our last question
        self._timeout_s = timeout_s
        self._idle = b""  # heard while none of our questions is pending
        self._idle_s = 0.0
        self._before = b""  # of that, an incomplete frame that reaches into the time of our question
        self._tail = b""  # in the time of our question, after the last whole frame
        self._pending: tuple[int, int] | None = None  # unit and function of a foreign question without its answer
        self._echo = 0  # from -SURE_OF_ECHO (this line has none) to SURE_OF_ECHO
        self._masters: dict[str, _Sighting] = {}

    def idle(self, chunk: bytes, now_s: float) -> None:
        """Bytes, while none of our questions is pending."""
        self._idle = (self._idle + chunk)[-MOST_HEARD:]
        self._idle_s = now_s

    def in_the_way(self, asked: Asked, since_s: float, now_s: float) -> bool:
        """Whether the answer to another master's question to the same unit is still to come: it would look like
        ours. A question of ours that is due since `since_s` does not wait for ever."""
        self._look_at_idle(now_s)
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
        self._idle = self._idle[end:]

    def foreign(self, asked: Asked, late: Sequence[Asked], sent: bytes, came: bytes, now_s: float) -> bool:
        """Whether there is more in the time of our question than its echo and one answer; `late`: earlier questions
        whose answers may come now."""
        answers = echoes = strangers = 0
        most_echoes = 0 if self._echo == -SURE_OF_ECHO else 1
        heard = self._before + came
        self.heard = list(frames(heard))
        self._tail = heard[self.heard[-1].end :] if self.heard else heard
        for frame in self.heard:
            if frame.bytes == sent and not answers and echoes < most_echoes:
                echoes += 1
            elif frame.answers(asked):
                answers += 1
            elif not any(frame.answers(question) for question in late):
                strangers += 1
                self._note(frame, now_s)
        if answers == 1 and not strangers:
            self._echo = max(-SURE_OF_ECHO, min(SURE_OF_ECHO, self._echo + (1 if echoes else -1)))
        return strangers > 0 or answers > 1

    def question_over(self, now_s: float) -> None:
        """Our question is over; a frame that has begun belongs to the time after it."""
        self.idle(self._tail, now_s)
        self._before = self._tail = b""

    @property
    def perhaps_echo(self) -> bool:
        """Whether what looks like our echo may be the same question of another master, with an answer of its own."""
        return abs(self._echo) < SURE_OF_ECHO

    def _note(self, frame: Frame, now_s: float) -> None:
        if not frame.question:
            return
        who = frame.describe()
        seen = self._masters.get(who)
        if seen and now_s - seen.at_s < self._timeout_s:
            return  # perhaps the same question once more: the bytes are looked at again
        if seen or len(self._masters) < MOST_NAMED:
            self._masters[who] = _Sighting(now_s, seen.times + 1 if seen else 1)

    def problem(self, now_s: float) -> str:
        """The second master, for people; empty if there is none."""
        if not self._masters:
            return ""
        self._masters = {who: seen for who, seen in self._masters.items() if now_s - seen.at_s < REMEMBERED_S}
        named = [who for who, seen in self._masters.items() if seen.times >= NAMED_AFTER]
        if not named:
            return ""
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        return (
            f"a second master is on this line and asks {', '.join(named[:3])}{more}: values in its time are dropped; "
            "let only one of the two ask this line, or set line.modbus.poll_seconds higher"
        )

    def restart(self) -> None:
        """The line was reopened."""
        self._idle, self._before, self._pending = b"", b"", None
