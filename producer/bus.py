"""A Modbus bus as a state machine: the request to send now, what an answer means. It neither sleeps nor uses a port.

Only one request is pending at a time, as the bus requires. Which one is next is decided by the rounds.
"""

from collections.abc import Callable
from typing import NamedTuple

from common.errors import FrameRefused
from common.meters import LATE_TIMEOUTS, Modbus, Register
from producer.ascii import Reading
from producer.modbus_checks import check_registers
from producer.others import Extra, Others
from producer.quantities import Quantity, grouped
from producer.registers import UNREACHABLE, answer, request, unlike, unlike_tcp
from producer.rounds import Question, Rounds

MOST_BUFFER = 1024  # bytes: the longest answer has 260, another master's as many; older bytes are noise
MOST_TRANSACTIONS = 0xFFFF  # Modbus TCP; then numbering starts again from 1
_IMPOSSIBLE = {
    "number": "its value is impossible: see hydrolog line test",
    "denormal": "its value is impossible: byte_order or word_order is wrong, see hydrolog line test",
}


class RegisterExchange(NamedTuple):
    """What one request brought for one register; also for people."""

    register: Register
    sent: bytes
    came: bytes
    value: float | None  # m3/h, bar or m3; of all parts, if there are several and this is the last
    reason: str  # timeout, checksum, exception, number, second-master, twice, late, ...; empty if there is a value
    problem: str  # text for people
    words: tuple[int, ...] = ()  # the registers' numbers
    at_s: float = 0.0  # monotonic

    @property
    def place(self) -> str:
        """Of the register, for people."""
        return self.register.place


class _Got(NamedTuple):
    """One register's numbers, and the messages that they came in."""

    words: tuple[int, ...]
    sent: bytes
    came: bytes
    at_s: float


class Bus:
    """Takes time and bytes; provides the requests to send, the results, and the readings."""

    def __init__(self, settings: Modbus, told: Callable[[RegisterExchange], None]) -> None:
        """Check combinations of keys.

        Raises:
            SettingsError: names the key.
        """
        check_registers(settings)
        self.readings: list[Reading] = []
        self._settings = settings
        self._told = told
        self._quantities = [Quantity(parts, settings.poll_seconds) for parts in grouped(settings.registers)]
        plan = [register for quantity in self._quantities for register in quantity.registers]
        self._rounds = Rounds(settings, plan)
        self._others = Others(settings.timeout_seconds)
        self._refusals: dict[Register, str] = {}
        self._got: dict[Register, _Got] = {}  # in this round
        self._round = 0
        self._open: dict[str, set[Register]] = {}  # of each sensor, what is still to come in this round
        self._missed: list[tuple[Question[Register], float]] = []  # what may be answered late, until when
        self._ready: Question[Register] | None = None  # the next question, held back
        self._asked: Question[Register] | None = None
        self._spoilt: Extra | None = None
        self._now_s = self._deadline_s = self._not_before_s = self._ready_s = 0.0
        self._sent = self._buffer = b""
        self._transaction = 0

    @property
    def problem(self) -> str:
        """The meters that do not behave as configured, and other masters; empty if all is well."""
        refusals = [f"{register.place}: {text}" for register, text in self._refusals.items()]
        return "; ".join(filter(None, [*self._rounds.problems(), *refusals, self._others.problem(self._now_s)]))

    def due(self, now_s: float) -> bool:
        """Whether the line is needed: a request is pending, or to be sent."""
        return bool(self._asked or self._ready) or self._rounds.due(now_s)

    def restart(self, *, sent: bool = True) -> None:
        """The line was reopened. A pending request is lost, if it was `sent` at all; the round goes on."""
        self._others.restart()
        self._rounds.reopened()
        self._missed.clear()
        if self._asked and not sent:
            self._ready, self._asked = self._asked, None
        elif self._asked:
            self._unanswered(self._asked, "closed", "closes the connection when asked")

    def ask(self, now_s: float) -> bytes:
        """The next request, if one is due. `now_s` is monotonic."""
        self._now_s = now_s
        if self._asked:
            if now_s < self._deadline_s:
                return b""
            self._give_up(self._asked)
        if now_s < self._not_before_s:
            return b""
        if self._ready is None:
            self._ready, self._ready_s = self._next(now_s), now_s
        if self._ready is None:
            return b""
        if self._settings.framing == "tcp":
            self._transaction = self._transaction % MOST_TRANSACTIONS + 1
        elif self._others.in_the_way(self._ready, self._ready_s, now_s):
            return b""
        self._asked, self._ready = self._ready, None
        self._sent, self._buffer, self._spoilt = request(self._asked, self._transaction), b"", None
        self._deadline_s = now_s + self._settings.timeout_seconds
        return self._sent

    def _next(self, now_s: float) -> Question[Register] | None:
        question = self._rounds.next(now_s)
        if question and self._rounds.number != self._round:
            self._round = self._rounds.number
            self._got.clear()
            self._open.clear()
            for register in (*question.registers, *self._rounds.planned(), *self._rounds.skipped):
                self._open.setdefault(register.sensor, set()).add(register)
        skipped, self._rounds.skipped = self._rounds.skipped, []
        self._done(skipped)
        return question

    def take(self, chunk: bytes, now_s: float) -> bool:
        """Process bytes; True if they complete an answer, which may be a refusal."""
        self._now_s = now_s
        question = self._asked
        if not chunk:
            return False
        if question is None:
            if self._settings.framing == "rtu":
                self._others.idle(chunk, now_s)
            return False
        self._buffer = (self._buffer + chunk)[-MOST_BUFFER:]
        found = None if self._spoilt else answer(question, self._buffer, self._transaction)
        if found is None:
            return False
        if not self._transaction and not self._is_ours(question):
            return True
        self._asked = None
        self._others.question_over(now_s)
        self._others.answered(question, [late for late, _ in self._missed], now_s)
        self._not_before_s = max(self._not_before_s, now_s + self._settings.pause_seconds)
        registers, refusal = found
        if refusal in UNREACHABLE:
            self._unanswered(question, "exception", "does not answer behind the gateway")
        elif refusal:
            self._refused(question, refusal)
        else:
            self._answered(question, registers)
        return True

    def _is_ours(self, question: Question[Register]) -> bool:
        """Whether an RTU answer belongs to our last request; it does not name it.

        Another master's frame in the time of our request means that the answer may be that master's. After a timeout,
        the late answer may come first: then it counts only if both requests were the same. In both cases a second
        answer may follow, which must not be taken for the next one: nothing is sent until it must have come.
        """
        self._missed = [(late, end_s) for late, end_s in self._missed if self._now_s < end_s]
        late = [late for late, _ in self._missed]
        self._spoilt = self._others.foreign(question, late, self._sent, self._buffer, self._now_s)
        if self._spoilt:  # until its deadline, so that our answer has come too
            return False
        form = question.unit, question.function, question.count
        alike = [late for late, _ in self._missed if (late.unit, late.function, late.count) == form]
        if alike:
            self._missed = [missed for missed in self._missed if missed[0].unit != question.unit]
            self._not_before_s = self._now_s + self._settings.timeout_seconds
            if any(late != question for late in alike):
                self._asked = None
                self._again(question, "late", "perhaps the late answer to the request before")
                return False
        elif self._others.perhaps_echo:
            self._not_before_s = self._now_s + self._settings.timeout_seconds
        return True

    def _answered(self, question: Question[Register], registers: list[int]) -> None:
        self._rounds.answered(question)
        for register in question.registers:
            begin = register.address - question.address
            words = tuple(registers[begin : begin + register.count])
            self._got[register] = _Got(words, self._sent, self._buffer, self._now_s)
        self._done(question.registers)

    def _refused(self, question: Question[Register], refusal: str) -> None:
        again = self._rounds.refused(question)
        for register in question.registers:
            if not again:
                self._refusals[register] = refusal
            self._tell(register, "exception", refusal)
        if not again:
            self._done(question.registers)

    def _give_up(self, question: Question[Register]) -> None:
        """The time for an answer is over."""
        self._missed = [missed for missed in self._missed if self._now_s < missed[1]]
        if not self._transaction:
            late = [late for late, _ in self._missed]
            if seen := self._others.foreign(question, late, self._sent, self._buffer, self._now_s):
                if self._spoilt:
                    self._spoilt = seen  # all of it has come now
                # The answer to another master's request in this time may still come.
                self._not_before_s = self._now_s + self._settings.timeout_seconds
            self._others.question_over(self._now_s)
        self._missed.append((question, self._now_s + (LATE_TIMEOUTS - 1) * self._settings.timeout_seconds))
        if self._spoilt:
            self._again(question, *self._spoilt)
        elif not self._buffer:
            problem = f"no answer within {self._settings.timeout_seconds:g} s"
            self._unanswered(question, "timeout", "does not answer", problem)
        else:
            if self._transaction:
                reason, problem = unlike_tcp(question, self._buffer, self._transaction)
            else:
                reason, problem = unlike(question, self._buffer, self._others.heard)
            why = "answers garbled: is the line disturbed?" if reason == "checksum" else f"does not answer: {problem}"
            self._unanswered(question, reason, why, problem)

    def _again(self, question: Question[Register], reason: str, problem: str) -> None:
        """There was an answer that may not be ours."""
        self._asked = None
        again = self._rounds.spoilt(question)
        for register in question.registers:
            self._tell(register, reason, problem)
        if not again:
            self._done(question.registers)

    def _unanswered(self, question: Question[Register], reason: str, why: str, problem: str = "") -> None:
        self._asked = None
        again = self._rounds.failed(question, self._now_s, why)
        for register in question.registers:
            self._tell(register, reason, problem or why)
        if not again:
            self._done(question.registers)

    def _tell(self, register: Register, reason: str, problem: str) -> None:
        self._told(RegisterExchange(register, self._sent, self._buffer, None, reason, problem, (), self._now_s))

    def _done(self, registers: list[Register] | tuple[Register, ...]) -> None:
        """These registers are done in this round; the last ones of a sensor complete its reading."""
        for sensor in dict.fromkeys(register.sensor for register in registers):
            still = self._open.get(sensor)
            if still:
                still.difference_update(registers)
            if still is not None and not still:
                del self._open[sensor]
                self._complete(sensor)

    def _complete(self, sensor: str) -> None:
        values: dict[str, float | None] = {}
        for quantity in self._quantities:
            if quantity.sensor == sensor and all(register in self._got for register in quantity.registers):
                values[quantity.channel] = self._value(quantity)
        flow, pressure = values.get("flow"), values.get("pressure")
        if flow is not None or pressure is not None:
            self.readings.append(Reading(sensor, None, flow, pressure))

    def _value(self, quantity: Quantity) -> float | None:
        got = {register: self._got[register] for register in quantity.registers}
        measured: float | None = None
        channel: float | None = None
        reason = ""
        try:
            at_s = max(each.at_s for each in got.values())
            measured, channel = quantity.value({register: each.words for register, each in got.items()}, at_s)
        except FrameRefused as error:
            reason = error.reason
        for register, (words, sent, came, at_s) in got.items():
            self._refusals.pop(register, None)
            if reason:
                self._refusals[register] = _IMPOSSIBLE[reason]
            self._told(
                RegisterExchange(register, sent, came, measured, reason, _IMPOSSIBLE.get(reason, ""), words, at_s)
            )
        return channel
