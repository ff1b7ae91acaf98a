"""Which registers to ask next: rounds of questions, and what is known of each unit and each register. A meter that is
asked in text is a unit with one register.

A round asks for every register once. Registers near each other are asked together, once each has answered by itself; a
unit that does not answer such a block is asked for its registers one by one. An answer lost by a unit that answered
before is asked for once more. A unit without any answer in a round is left alone for that round.

What has not answered for two rounds is silent: a whole unit, or a register of a unit that answers otherwise. It is
asked last, and less often, so that all that is silent together takes a tenth of the bus's time.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from common.meters import Asked, Pace

PROBE_SHARE = 0.1  # share of the bus's time for what is silent, while others answer
SILENT_AFTER = 2  # rounds in a row: single lost answers are normal on a long cable
MOST_GAP = 8  # registers between two values that one question reads too: a question more takes as long
MOST_BLOCK_FAILURES = 3  # in a row; then the unit does not get such questions any more
OFTEN = 5  # answers in a row that needed a second question: not chance
FORGIVEN_EVERY_S = 60.0  # a reopened line asks silent ones at once, but a line that closes all the time does not


class RoundPart(Asked, Protocol):
    """What is asked for: a register, or all that a text meter answers."""

    @property
    def sensor(self) -> str:
        """Whose value it is; empty if only the answer tells."""

    @property
    def unit_name(self) -> str:
        """The unit, for people."""

    @property
    def place(self) -> str:
        """Where the value stands, for people."""


P = TypeVar("P", bound=RoundPart)


@dataclass(frozen=True, slots=True)
class Question(Generic[P]):
    """Registers of one unit that one request reads."""

    unit: int
    function: str
    address: int
    count: int
    registers: tuple[P, ...]


@dataclass(slots=True)
class _Unit:
    failures: int = 0  # rounds in a row without any answer
    why: str = ""
    answered: bool = False
    answered_round: int = -1
    skipped_round: int = -1
    asked_again_s: float = 0.0
    block_failures: int = 0  # in a row

    @property
    def silent(self) -> bool:
        return self.failures >= SILENT_AFTER


@dataclass(slots=True)
class _State:
    """Of one register."""

    failures: int = 0  # rounds in a row
    answered: bool = False  # by itself: it may be asked in a block
    asked_again_s: float = 0.0
    second_questions: int = 0  # in a row, without which it would have no value

    @property
    def silent(self) -> bool:
        return self.failures >= SILENT_AFTER


class Rounds(Generic[P]):
    """Takes the outcome of each question, and says which is next."""

    def __init__(self, settings: Pace, registers: Iterable[P]) -> None:
        self.skipped: list[P] = []  # not asked in this round after all
        self._settings = settings
        self._registers = {register: _State() for register in registers}
        self._units = {register.unit: _Unit() for register in self._registers}
        self._left: deque[Question[P]] = deque()
        self.number = 0  # of the round
        self._next_round_s = self._forgiven_s = -FORGIVEN_EVERY_S
        self._second: Question[P] | None = None  # the question that is asked once more
        self._reopened = False

    def due(self, now_s: float) -> bool:
        """Whether there may be a question to ask."""
        return bool(self._left) or now_s >= self._next_round_s

    def next(self, now_s: float) -> Question[P] | None:
        """The next question of this round, or of the next one if it is time for that."""
        if self._reopened:
            self._after_reopening(now_s)
        if not self._left and now_s >= self._next_round_s:
            self._begin(now_s)
        while self._left:
            question = self._left.popleft()
            unit = self._units[question.unit]
            if unit.skipped_round != self.number and unit.asked_again_s <= now_s:
                return question
            self.skipped += question.registers
        return None

    def planned(self) -> list[P]:
        """The registers of the round's questions that have not been asked yet."""
        return [register for question in self._left for register in question.registers]

    def _begin(self, now_s: float) -> None:
        on_time_s = self._next_round_s + self._settings.poll_seconds
        self._next_round_s = on_time_s if on_time_s > now_s else now_s + self._settings.poll_seconds
        self.number += 1
        singly = {number for number, unit in self._units.items() if unit.block_failures >= MOST_BLOCK_FAILURES}
        together = [register for register, state in self._registers.items() if state.answered]
        together = [register for register in together if register.unit not in singly]
        asked = questions(list(self._registers), set(together), self._settings.block_registers)
        self._left.extend(sorted(filter(lambda question: self._is_due(question, now_s), asked), key=self._failures))

    def _failures(self, question: Question[P]) -> int:
        """Fewest first, so that one silent register does not hide that its unit answers."""
        return max(self._registers[register].failures for register in question.registers)

    def _is_due(self, question: Question[P], now_s: float) -> bool:
        states = [self._registers[register] for register in question.registers]
        return self._units[question.unit].silent or all(state.asked_again_s <= now_s for state in states)

    def answered(self, question: Question[P]) -> None:
        """The unit sent the registers."""
        second = question == self._second
        self.heard(question.unit)
        for register in question.registers:
            state = self._registers[register]
            state.failures, state.asked_again_s, state.answered = 0, 0.0, True
            state.second_questions = state.second_questions + 1 if second else 0
        if len(question.registers) > 1:
            self._units[question.unit].block_failures = 0

    def heard(self, number: int) -> None:
        """The unit answered, perhaps with a refusal."""
        if all(unit.silent for unit in self._units.values()):  # the bus was down; the others may be back too
            for unit in self._units.values():
                unit.asked_again_s = 0.0
        unit = self._units[number]
        if unit.silent:  # its registers were not silent by themselves
            for register, state in self._registers.items():
                if register.unit == number:
                    state.failures, state.asked_again_s = 0, 0.0
        unit.failures, unit.answered, unit.answered_round, unit.asked_again_s = 0, True, self.number, 0.0
        self._second = None

    def refused(self, question: Question[P]) -> bool:
        """The unit refuses these registers; whether they are asked for one by one now."""
        self.heard(question.unit)
        return self._split(question)

    def spoilt(self, question: Question[P]) -> bool:
        """There was an answer, but perhaps not to this question; whether it is asked once more."""
        if question == self._second:
            self._second = None
            return False
        self._ask_again(question)
        return True

    def failed(self, question: Question[P], now_s: float, why: str) -> bool:
        """There was no answer; whether its registers are asked for again in this round."""
        unit = self._units[question.unit]
        states = [self._registers[register] for register in question.registers]
        if question != self._second and unit.answered and not unit.failures and not any(s.failures for s in states):
            self._ask_again(question)
            return True
        self._second = None
        again = self._split(question)
        if not again and len(states) == 1:
            states[0].failures += 1
            states[0].answered = False
        if unit.answered_round != self.number:
            unit.failures += 1
            unit.why = why
            unit.skipped_round = self.number
        self._put_off(unit, states, now_s)
        return again

    def _ask_again(self, question: Question[P]) -> None:
        self._second = question
        self._left.appendleft(question)

    def _split(self, question: Question[P]) -> bool:
        if len(question.registers) == 1:
            return False
        self._units[question.unit].block_failures += 1
        for register in question.registers:
            self._registers[register].answered = False
        self._left.extendleft(reversed(questions(question.registers, set(), 1)))
        return True

    def _put_off(self, unit: _Unit, states: list[_State], now_s: float) -> None:
        if not any(other.answered and not other.failures for other in self._units.values()):
            return  # there is nobody whose time it would take
        silent = sum(other.silent for other in self._units.values())
        silent += sum(s.silent and not self._units[r.unit].silent for r, s in self._registers.items())
        again_s = now_s + self._settings.lost_seconds * silent / PROBE_SHARE
        if unit.silent:
            unit.asked_again_s = again_s
        elif len(states) == 1 and states[0].silent:
            states[0].asked_again_s = again_s

    def reopened(self) -> None:
        """The line was closed and is open again."""
        self._reopened = True

    def _after_reopening(self, now_s: float) -> None:
        """A round that is over is not continued: its values would be from two times. Silent units may be back."""
        self._reopened = False
        if now_s >= self._next_round_s:
            self._left.clear()
        if now_s - self._forgiven_s >= FORGIVEN_EVERY_S:
            self._forgiven_s = now_s
            for unit in self._units.values():
                unit.asked_again_s = 0.0
            for state in self._registers.values():
                state.asked_again_s = 0.0

    def problems(self) -> list[str]:
        """The units and registers that do not answer as they should, for people."""
        found = [
            f"{unit_name} {unit.why}{self._sensors(number)}"
            for number, unit_name in {register.unit: register.unit_name for register in self._registers}.items()
            if (unit := self._units[number]).silent
        ]
        for register, state in self._registers.items():
            if state.silent and not self._units[register.unit].silent:
                found.append(
                    f"{register.place}: does not answer, while {register.unit_name} does: does the meter have it? Is "
                    f"{self._settings.section}.pause_seconds long enough for this meter?"
                )
            elif state.second_questions >= OFTEN:
                found.append(
                    f"{register.place}: answers only when it is asked twice: make {self._settings.section}."
                    "pause_seconds longer"
                )
        return found

    def _sensors(self, number: int) -> str:
        names = dict.fromkeys(register.sensor for register in self._registers if register.unit == number)
        return f" (sensor {', '.join(names)})" if any(names) else ""


def questions(registers: Iterable[P], together: set[P], most: int) -> list[Question[P]]:
    """The questions that read these registers; those in `together` in blocks of up to `most`."""
    order = {register: number for number, register in enumerate(registers)}
    found: list[Question[P]] = []
    for register in sorted(order, key=lambda r: (r.unit, r.function, r.address)):
        last = found[-1] if found else None
        end = register.address + register.count
        if (
            last
            and register in together
            and last.registers[0] in together
            and (last.unit, last.function) == (register.unit, register.function)
            and register.address - last.address - last.count <= MOST_GAP
            and max(end, last.address + last.count) - last.address <= most
        ):
            count = max(end - last.address, last.count)
            found[-1] = replace(last, count=count, registers=(*last.registers, register))
        else:
            found.append(Question(register.unit, register.function, register.address, register.count, (register,)))
    return sorted(found, key=lambda question: min(order[register] for register in question.registers))
