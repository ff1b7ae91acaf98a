"""The verdict on a site: one word for all of it, and its problems, the worst first.

The page, `hydrolog status`, /healthz, /metrics, the alerts and the demo show it; none of them decides anything.
A problem is a code and values: `common.verdict_words` says it in the reader's language.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

GOOD, WATCH, FAULT, SILENT, TROUBLE, LEAK = "good", "watch", "fault", "silent", "trouble", "leak"
KINDS = (GOOD, WATCH, FAULT, SILENT, TROUBLE, LEAK)  # the worst last: a leak does most harm while it waits
OK, WARN, BAD = "ok", "warn", "bad"
STATES = {GOOD: OK, WATCH: WARN, FAULT: WARN, SILENT: BAD, TROUBLE: BAD, LEAK: BAD}  # kind -> colour

CERTIFICATE_ENDS = "certificate_ends"  # a counter of hydrolog-server, UTC s

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Problem:
    """How a sensor, a process or a part of the box is.

    Attributes:
        kind: one of `KINDS`; good: it is as it should be, or nobody needs to be called.
        subject: a sensor's id, a process's role, or a part of the box.
        code: what it is; a key of `common.verdict_words`.
        values: what was measured, by name; the name ends in the unit. What is not known is absent.
    """

    kind: str
    subject: str
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Its colour."""
        return STATES[self.kind]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"values": dict(self.values), "state": self.state}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst kind of the problems, or good. Shelved incidents are listed apart: they call nobody."""

    problems: tuple[Problem, ...] = ()
    shelved: tuple[Problem, ...] = ()

    @property
    def kind(self) -> str:
        return self.problems[0].kind if self.problems else GOOD

    @property
    def act(self) -> bool:
        """Whether somebody must act. To keep watch is not enough."""
        return self.kind not in (GOOD, WATCH)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "act": self.act,
            "problems": [problem.to_json() for problem in self.problems],
            "shelved": [problem.to_json() for problem in self.shelved],
        }


def verdict(found: Iterable[Problem], shelved: Iterable[Problem] = ()) -> Verdict:
    """The problems among what was found, the worst first, else in their order."""
    problems = [problem for problem in found if problem.kind != GOOD]
    return Verdict(tuple(sorted(problems, key=lambda problem: -KINDS.index(problem.kind))), tuple(shelved))
