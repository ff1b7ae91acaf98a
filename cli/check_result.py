"""What `hydrolog check` says of one thing."""

from typing import NamedTuple


class CheckResult(NamedTuple):
    """One line of the check."""

    ok: bool
    subject: str
    text: str  # the result; or the problem and what to do
