"""Meters that are asked in text, as a state machine: the question to send now, what an answer means.

An answer is over when nothing more comes. It does not say which question it belongs to, unless it names its sensor and
the settings name the question's. So after a question without an answer, the next meter's first answer may be that one,
late: it is dropped, nothing is asked until a late answer must have come, and the meter is asked once more.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from common.logging_setup import quoted
from common.meters import LATE_TIMEOUTS
from common.settings import LineSettings
from producer.ascii import Reading
from producer.asking_checks import forms_of
from producer.described import Described, Measured
from producer.described_checks import names_sensors
from producer.meter_zones import own_zones
from producer.rounds import Question, Rounds
from producer.site_time import SiteTime

MOST_TIMEOUTS = 10  # an answer that goes on for longer is a line that is never quiet
QUIET_S = 0.05  # without a byte: nobody is in mid-sentence


@dataclass(frozen=True, slots=True)
class Speaker:
    """A meter that is asked; in a round it is a unit with one register."""

    unit: int  # its number in the settings
    text: str
    sensor: str
    function: str = ""
    address: int = 0
    count: int = 1

    @property
    def unit_name(self) -> str:
        """For people."""
        return f"the meter asked {quoted(self.text)}"

    @property
    def place(self) -> str:
        """For people."""
        return f"{f'sensor {self.sensor}, ' if self.sensor else ''}asked {quoted(self.text)}"


class NoReading(NamedTuple):
    """A question that brought no reading."""

    place: str  # of the meter, for people
    reason: str  # timeout, late-answer, checksum, fields, ...
    problem: str  # text for people


class Asking:
    """Takes time and bytes; provides the questions to send, and the readings."""

    def __init__(
        self,
        line: LineSettings,
        told: Callable[[NoReading], None],
        refused: Counter[str],
        time: SiteTime,
        zone: ZoneInfo,
    ) -> None:
        """`told`: what came to nothing, to be counted; all else that is refused is counted in `refused`. `zone`: of
        the meters' clocks."""
        self.readings: list[Reading] = []
        self._settings = line.ask
        self._told, self._refused = told, refused
        self._time, self._zone = time, zone
        meters = [Speaker(number, meter.text, meter.sensor) for number, meter in enumerate(line.ask.meters, 1)]
        self._named = names_sensors(line.format)
        self._described = {
            meter: Described(form, refused, poll_s=line.poll_seconds, own_zones=own_zones(line))
            for meter, form in zip(meters, forms_of(line), strict=True)
        }
        self._framer = self._described[meters[0]].framer(refused)
        self._trimmed = b"" if line.format.length else b"\r\n"
        self._rounds = Rounds(line.ask, meters)
        self._ready: Question[Speaker] | None = None  # the next question, which could not be sent
        self._asked: Question[Speaker] | None = None
        self._missed: list[tuple[Question[Speaker], float]] = []  # what may be answered late, until when
        self._now_s = self._asked_s = self._heard_s = self._not_before_s = 0.0
        self._echo = self._head = b""
        self._got: dict[str, Measured] = {}  # by sensor, of the answer so far
        self._refusal = self._stranger = ""  # what else was in the answer
        self._answers = self._twice = False

    @property
    def problem(self) -> str:
        """The meters that do not answer as they should; empty if all do."""
        return "; ".join(filter(None, [*self._rounds.problems(), *(form.problem for form in self._described.values())]))

    def due(self, now_s: float) -> bool:
        """Whether the line is needed: a question is pending, or to be sent."""
        return bool(self._asked or self._ready) or self._rounds.due(now_s)

    def restart(self, *, sent: bool = True) -> None:
        """The line was reopened. A pending question is lost, if it was `sent` at all; the round goes on."""
        self._rounds.reopened()
        self._framer.restart()
        if self._asked and not sent:
            self._ready, self._asked = self._asked, None
        elif self._asked:
            self._over(self._asked, "closed", "closes the connection when asked")

    def ask(self, now_s: float) -> bytes:
        """The next question, if one is due. `now_s` is monotonic."""
        self._now_s = now_s
        if self._asked:
            timeout_s = self._settings.timeout_seconds
            if now_s < min(self._heard_s + timeout_s, self._asked_s + MOST_TIMEOUTS * timeout_s):
                return b""
            self._over(self._asked, *self._what_came())
        if now_s < self._not_before_s:
            return b""
        self._asked, self._ready = self._ready or self._rounds.next(now_s), None
        self._rounds.skipped.clear()
        if self._asked is None:
            return b""
        self._framer.restart()
        self._framer.good()
        self._asked_s = self._heard_s = now_s
        self._refusal = self._stranger = ""
        self._answers = self._twice = False
        self._echo, self._head = self._asked.registers[0].text.encode("latin-1"), b""
        return self._echo

    def take(self, chunk: bytes, now_s: float) -> bool:
        """Process bytes, if any; True if they complete a frame that is understood."""
        self._now_s = now_s
        if not chunk:
            if self._asked and self._got and now_s - self._heard_s >= QUIET_S:
                self._answered(self._asked)
            return False
        self._heard_s = now_s
        if self._asked:
            chunk = self._behind_echo(chunk)
            self._answers = self._answers or bool(chunk.strip())
        else:
            self._not_before_s = max(self._not_before_s, now_s + QUIET_S)
        lines = self._framer.lines(chunk)
        frames = self._framer.frames(lines) if lines else []
        return sum(self._understood(frame) for frame in frames) > 0

    def _behind_echo(self, chunk: bytes) -> bytes:
        """The bytes without our own question, which an RS-485 adapter or a terminal in the meter sends back."""
        if not self._echo:
            return chunk
        self._head += chunk
        if len(self._head) < len(self._echo) and self._echo.startswith(self._head):
            return b""
        head, echo, self._echo = self._head, self._echo, b""
        return head.removeprefix(echo)

    def _understood(self, frame: bytes) -> bool:
        meter = self._asked.registers[0] if self._asked else None
        form = self._described[meter] if meter else next(iter(self._described.values()))
        try:
            measured = form.read(frame.lstrip(self._trimmed), self._zone, self._time.now_s)
        except FrameRefused as error:
            self._refusal = error.reason
            if meter is None:
                self._refused[error.reason] += 1
            return False
        sensor = measured.reading.sensor
        if meter is None or sensor != (meter.sensor or sensor):
            self._refused["late-answer"] += 1
            self._stranger = sensor
        else:
            before = self._got.get(sensor)
            self._twice = self._twice or (len(self._described) > 1 and measured.contradicts(before))
            self._got[sensor] = measured.joined(before)
        return True

    def _answered(self, question: Question[Speaker]) -> None:
        meter, got, self._asked, self._got = question.registers[0], self._got, None, {}
        self._not_before_s = max(self._not_before_s, self._heard_s + self._settings.pause_seconds)
        self._missed = [missed for missed in self._missed if self._heard_s < missed[1]]
        if (self._missed or self._twice) and not (self._named and meter.sensor):
            self._miss(question)
            self._not_before_s = max(self._not_before_s, *(end_s for _, end_s in self._missed))
            if self._twice or any(missed != question for missed, _ in self._missed):
                self._rounds.spoilt(question)
                self._told(NoReading(meter.place, "late-answer", "perhaps the late answer to another question"))
                return
        self._rounds.answered(question)
        form = self._described[meter]
        self.readings += [form.taken(measured, self._heard_s) for measured in got.values()]

    def _miss(self, question: Question[Speaker]) -> None:
        """The answer to this question may still come."""
        self._missed.append((question, self._heard_s + LATE_TIMEOUTS * self._settings.timeout_seconds))

    def _what_came(self) -> tuple[str, str]:
        """The reason why there is no reading, and a text for people."""
        if self._stranger:
            return "timeout", f"does not answer, but sensor {self._stranger} does in its place"
        if not self._answers:
            return "timeout", f"does not answer within {self._settings.timeout_seconds:g} s"
        if self._refusal:
            return (
                self._refusal,
                f"answers what line.format does not describe ({self._refusal}): see hydrolog line test",
            )
        return "noise", "answers without the end that line.format describes: see hydrolog line test"

    def _over(self, question: Question[Speaker], reason: str, why: str) -> None:
        """The time for an answer is over."""
        if self._got:
            self._answered(question)
            return
        self._asked = None
        self._missed = [missed for missed in self._missed if self._now_s < missed[1]]
        self._miss(question)
        self._rounds.failed(question, self._now_s, why)
        self._told(NoReading(question.registers[0].place, reason, why))
