"""Findings: what was raised and cleared, when, and why in words; and the file that carries the newest of them.

The row carries a letter; the reason is too long for it. The producer keeps the newest findings in one small file,
replaced whole, and whoever writes a flagged row to the database looks the reason up there by sensor and minute.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from common import files, state_file
from outliers.flags import PLANNED, Flag

KEEP = 500  # about 200 kB; at a handful of findings a sensor and month this is months, and an outage is days
RAISE, CLEAR = "raise", "clear"


@dataclass(frozen=True, slots=True)
class Finding:
    """One raise or clear of one rule at one sensor.

    Attributes:
        minute: UTC unix minute at which it was raised or cleared.
        since: UTC unix minute at which the trouble seems to have begun (at or before `minute`).
        channel: "flow", "pressure" or "both".
        method: SYSTEM, VALUE, PREDICT or NIGHT.
        code: the rule, the same in raise and clear, such as "SYS-STUCK".
        kind: what it is about: "leak", "fault" or "supply".
        severity: "watch", "leak", "fault" or "supply"; "planned" for any of them during planned work.
        state: "raise" or "clear".
        reason: words and numbers for the operator.
        value, limit: the number that was judged and its limit, in the unit that the reason names.
    """

    sensor: str
    minute: int
    since: int
    channel: str
    method: str
    code: str
    kind: str
    severity: str
    state: str
    reason: str
    value: float
    limit: float


def load(path: Path) -> list[Finding]:
    """The findings of the file, oldest first; none where there is no file or it cannot be understood.

    The file only adds words to what the rows' flags say already, so a damaged one is treated as empty.
    """
    whole = state_file.load(path, dict[str, list[Finding]]) or {}
    return whole.get("findings", [])


def record(path: Path, new: Sequence[Finding], keep: int = KEEP) -> None:
    """Add findings to the file and drop the oldest above `keep`.

    Raises:
        OSError: the file cannot be written; the old one is untouched.
    """
    if new:
        store(path, [*load(path), *new], keep)


def store(path: Path, findings: Sequence[Finding], keep: int = KEEP) -> None:
    """Replace the file by the newest `keep` findings, one a line so that a person can read it."""
    lines = ",\n".join(json.dumps(asdict(finding), ensure_ascii=False) for finding in findings[-keep:])
    files.replace(path, f'{{"findings": [\n{lines}\n]}}\n'.encode())


class Spell(NamedTuple):
    """A raise and the clear that ended it; None while it is up, or if the clear is not known."""

    raised: Finding
    cleared: Finding | None


def spells(findings: Iterable[Finding], sensor: str) -> list[Spell]:
    """Every raise of `sensor`, oldest first."""
    found: list[Spell] = []
    open_ones: dict[tuple[str, str, str], list[int]] = {}
    for finding in findings:
        if finding.sensor != sensor:
            continue
        key = (finding.code, finding.channel, finding.severity)
        if finding.state == RAISE:
            open_ones.setdefault(key, []).append(len(found))
            found.append(Spell(finding, None))
        else:
            for index in open_ones.pop(key, ()):
                found[index] = found[index]._replace(cleared=finding)
    return found


def standing(findings: Iterable[Finding], sensor: str, minute: int) -> list[Finding]:
    """The findings of `sensor` that are up at `minute`: raised at or before it and not cleared by then."""
    up: dict[tuple[str, str, str], Finding] = {}
    for raised, cleared in spells(findings, sensor):
        if raised.minute <= minute and (cleared is None or cleared.minute > minute):
            up[raised.code, raised.channel, raised.severity] = raised
    return list(up.values())


class Told(Protocol):
    """What is said of a sensor: a finding, or whatever was made of one."""

    @property
    def sensor(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def severity(self) -> str: ...


def about(told: Told, sensor: str, channel: str, method: str) -> bool:
    """Whether it speaks of what this method found at this channel."""
    return told.sensor == sensor and told.method == method and told.channel in (channel, "both")


def shows(told: Told, sensor: str, flag: Flag) -> bool:
    """Whether the letter in a row is this one's. Of a fault any letter is: an instrument shows one at a time."""
    return about(told, sensor, flag.channel, flag.method) and told.severity in (flag.severity, PLANNED)


def explaining(findings: Iterable[Finding], sensor: str, minute: int, flag: Flag) -> Finding | None:
    """The newest finding that is up at a row and that its letter stands for; None = not in the file any more."""
    fitting = (finding for finding in standing(findings, sensor, minute) if shows(finding, sensor, flag))
    return max(fitting, key=lambda finding: finding.minute, default=None)
