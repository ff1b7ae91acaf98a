"""Findings: what was raised and cleared, when and why; and the file with the newest ones.

A row has only a letter, not the reason. The producer keeps the newest findings in one small file, replaced atomically;
the archive looks up the reason of a flagged row there, by sensor and minute.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from common import files, state_file
from outliers.flags import PLANNED, Flag

KEEP = 500  # about 200 kB: months of findings, while an outage lasts days
RAISE, CLEAR = "raise", "clear"


@dataclass(frozen=True, slots=True)
class Finding:
    """One raise or clear of one rule at one sensor.

    Attributes:
        minute: UTC unix minute at which it was raised or cleared.
        since: UTC unix minute at which it probably began (at or before `minute`).
        channel: "flow", "pressure" or "both".
        method: SYSTEM, VALUE, PREDICT or NIGHT.
        code: the rule, the same in raise and clear, such as "SYS-STUCK".
        kind: "leak", "fault" or "supply".
        severity: "watch", "leak", "fault" or "supply"; "planned" for any of them during planned work.
        state: "raise" or "clear".
        reason: text for the operator.
        value, limit: the measured number and its limit, in the unit named in the reason.
        numbers, notes: what was seen, for a sentence: see `incidents.incident.Sign`.
        end: code of why it was cleared; empty in a raise.
        work: the planned work during which it was raised.
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
    numbers: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    end: str = ""
    work: str = ""


def load(path: Path) -> list[Finding]:
    """The findings in the file, oldest first; empty if it is missing or unreadable.

    The file only adds text to the rows' flags, so a damaged file is treated as empty.
    """
    whole = state_file.load(path, dict[str, list[Finding]]) or {}
    return whole.get("findings", [])


def record(path: Path, new: Sequence[Finding], keep: int = KEEP) -> None:
    """Add findings to the file and drop the oldest beyond `keep`.

    Raises:
        OSError: the file cannot be written; the old one is untouched.
    """
    if new:
        store(path, [*load(path), *new], keep)


def store(path: Path, findings: Sequence[Finding], keep: int = KEEP) -> None:
    """Replace the file with the newest `keep` findings, one per line for people to read."""
    lines = ",\n".join(json.dumps(asdict(finding), ensure_ascii=False) for finding in findings[-keep:])
    files.replace(path, f'{{"findings": [\n{lines}\n]}}\n'.encode())


class Spell(NamedTuple):
    """A raise and the clear that ended it; None while it is active, or if the clear is not known."""

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
    """The findings of `sensor` active at `minute`: raised at or before it and not yet cleared."""
    up: dict[tuple[str, str, str], Finding] = {}
    for raised, cleared in spells(findings, sensor):
        if raised.minute <= minute and (cleared is None or cleared.minute > minute):
            up[raised.code, raised.channel, raised.severity] = raised
    return list(up.values())


class Reported(Protocol):
    """A finding, or anything derived from one."""

    @property
    def sensor(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def severity(self) -> str: ...


def about(told: Reported, sensor: str, channel: str, method: str) -> bool:
    """Whether it is about this sensor, channel and method."""
    return told.sensor == sensor and told.method == method and told.channel in (channel, "both")


def shows(told: Reported, sensor: str, flag: Flag) -> bool:
    """Whether a row's flag belongs to it. For a fault any letter matches: an instrument shows only one at a time."""
    return about(told, sensor, flag.channel, flag.method) and told.severity in (flag.severity, PLANNED)


def explaining(findings: Iterable[Finding], sensor: str, minute: int, flag: Flag) -> Finding | None:
    """The newest active finding that matches a row's flag; None = no longer in the file."""
    fitting = (finding for finding in standing(findings, sensor, minute) if shows(finding, sensor, flag))
    return max(fitting, key=lambda finding: finding.minute, default=None)
