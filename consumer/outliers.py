"""Flagged values as rows of OUTLIER_TB: method, severity and reason."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import files
from common.folder import FINDINGS_FILE
from common.row import Row
from outliers.findings import Finding, explaining, load
from outliers.findings_text import text
from outliers.flags import CHANNELS, CLEAR, METHODS, WATCH, explain


@dataclass(frozen=True, slots=True)
class Outlier:
    sensor: str
    minute: int  # UTC minute since 1970
    channel: str
    method: str
    code: str  # the flag's letter
    severity: str  # WATCH, LEAK, FAULT, SUPPLY, PLANNED
    value: float | None  # m3/h or bar
    reason: str


class FindingsFile:
    """The producer's newest findings, read again after their file is replaced."""

    def __init__(self, data: Path) -> None:
        self._path = data / FINDINGS_FILE
        self._seen: files.Stamp | None = None
        self._findings: list[Finding] = []

    def now(self) -> Sequence[Finding]:
        """All findings, oldest first; the same object until the file changes. Empty without a file: the flags
        suffice."""
        seen = files.stamp(self._path)
        if seen != self._seen:
            self._findings, self._seen = load(self._path), seen
        return self._findings


def outliers(rows: Iterable[Row], findings: Sequence[Finding]) -> Iterator[Outlier]:
    """One for each flag that is set in the rows."""
    for row in rows:
        for channel, flags, value in (
            ("flow", row.flow_flags, row.flow),
            ("pressure", row.pressure_flags, row.pressure),
        ):
            if flags == CLEAR * CHANNELS[channel]:
                continue
            for place, letter in enumerate(flags):
                if letter != CLEAR:
                    severity, reason = _why(row, channel, place, findings)
                    yield Outlier(
                        row.sensor, row.minute, channel, METHODS[place], letter, severity.upper(), value, reason
                    )


def _why(row: Row, channel: str, place: int, findings: Sequence[Finding]) -> tuple[str, str]:
    """Severity and reason: from the letter's finding, otherwise the letter's meaning."""
    letter = (row.flow_flags if channel == "flow" else row.pressure_flags)[place]
    known = explain(channel, CLEAR * place + letter)
    if not known:  # a letter of a later version, or an invalid one
        return WATCH, f"flag {letter}"
    found = explaining(findings, row.sensor, row.minute, known[0])
    return (found.severity, text(found)) if found else (known[0].severity, known[0].meaning)
