"""The verdict on a site: one word for all of it, and its problems, the worst first.

The page, `hydrolog status`, /healthz and /metrics show it; none of them decides anything.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

GOOD, WATCH, FAULT, SILENT, TROUBLE, LEAK = "good", "watch", "fault", "silent", "trouble", "leak"
KINDS = (GOOD, WATCH, FAULT, SILENT, TROUBLE, LEAK)  # the worst last: a leak does most harm while it waits
SAID = {
    GOOD: "all is well",
    WATCH: "keep watch",
    FAULT: "an instrument is faulty",
    SILENT: "no data",
    TROUBLE: "the system is in trouble",
    LEAK: "a leak is suspected",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be.

    Attributes:
        kind: one of `KINDS`, not good.
        subject: a sensor, a process, or a part of the box.
        word: what it is, in a word or two.
        detail: more about it, and what to do; may be empty.
    """

    kind: str
    subject: str
    word: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.word}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst kind of the problems, or good."""

    problems: tuple[Problem, ...] = ()

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
            "said": SAID[self.kind],
            "problems": [asdict(problem) for problem in self.problems],
        }


def verdict(problems: Iterable[Problem]) -> Verdict:
    """The problems of a site, the worst first, else in their order."""
    return Verdict(tuple(sorted(problems, key=lambda problem: -KINDS.index(problem.kind))))
