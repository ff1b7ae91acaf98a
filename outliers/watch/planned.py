"""Findings during planned work: kept and marked, but no alarm. A finding that outlasts the work is raised then.

The detector works as usual and does not know about planned work, so its state stays complete. A finding raised during
the work gets the severity "planned" and names the work, and the letter in the row becomes lower case. If it is
still active some time after the work, it is raised again with its real severity.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from outliers.calendar import Work
from outliers.findings import CLEAR, RAISE, End, Finding
from outliers.flags import METHODS, PLANNED
from outliers.watch.row_flags import RowFlags

# Minutes after the work's end that each method gets to clear its findings: an instrument fault and a step clear within
# minutes; VALUE checks whole hours; NIGHT a whole night, once a day.
AFTER_MIN = {"SYSTEM": 30, "PREDICT": 60, "VALUE": 180, "NIGHT": 26 * 60}
LONGEST_AFTER_MIN = max(AFTER_MIN.values())

Key = tuple[str, str]  # code, channel


class Planned:
    """The findings of one sensor explained by planned work. `Planned(other.state())` continues where `other`
    stopped."""

    def __init__(self, state: Iterable[Finding] = ()) -> None:
        self._held: dict[Key, Finding] = {(finding.code, finding.channel): finding for finding in state}

    def state(self) -> list[Finding]:
        """The active muted findings: as the detector raised them, with their work."""
        return [*self._held.values()]

    def step(self, minute: int, verdict: RowFlags, works: Sequence[Work]) -> RowFlags:
        """The verdict of one row after muting. `works` are those at this sensor that may still matter."""
        if not self._held and not (works and verdict.findings):
            return verdict
        findings = [self._told(finding, works) for finding in verdict.findings]
        for key, finding in [*self._held.items()]:
            if explaining(works, finding.method, minute) is None:
                findings += _outlasted(finding, minute)
                del self._held[key]
        return RowFlags(
            _lower("flow", verdict.flow_flags, self._held.values()),
            _lower("pressure", verdict.pressure_flags, self._held.values()),
            tuple(findings),
        )

    def _told(self, finding: Finding, works: Sequence[Work]) -> Finding:
        key = (finding.code, finding.channel)
        if finding.state == CLEAR:
            return replace(finding, severity=PLANNED) if self._held.pop(key, None) else finding
        work = explaining(works, finding.method, finding.minute)
        if work is None:
            return finding
        self._held[key] = replace(finding, work=work.what)
        return replace(finding, severity=PLANNED, work=work.what)


def explaining(works: Iterable[Work], method: str, minute: int) -> Work | None:
    """The work that explains a finding of `method` at `minute`, or None."""
    after = AFTER_MIN[method]
    return next((work for work in works if work.first <= minute < work.end + after), None)


def _outlasted(finding: Finding, minute: int) -> tuple[Finding, Finding]:
    over = replace(
        finding, minute=minute, severity=PLANNED, state=CLEAR, numbers={}, notes=[], end=End.PLAN_OVER, text=""
    )
    return over, replace(finding, minute=minute, state=RAISE)


def _lower(channel: str, flags: str, held: Iterable[Finding]) -> str:
    """The flags with muted letters in lower case. SYSTEM's stay: such a value cannot be trusted, planned or not."""
    places = {METHODS.index(finding.method) for finding in held if finding.channel in (channel, "both")}
    return "".join(letter.lower() if place in places and place else letter for place, letter in enumerate(flags))
