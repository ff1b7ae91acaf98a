"""What came of one HTTP exchange, and how long its server asks to wait. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRY_AFTER_CAP_S = 900.0  # upper limit: a wrong date must not stop a site


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The result of one attempt.

    Attributes:
        status: the HTTP status; None without a complete answer.
        problem: why there is none.
        retry_after: the header's text, None without one.
        body: the first bytes of the answer's body.
        ends: whether it is known to have come to its end; otherwise one that broke off looks like a whole one.
    """

    status: int | None
    problem: str = ""
    retry_after: str | None = None
    body: bytes = b""
    ends: bool = True


def retry_after_s(text: str | None, now: datetime) -> float:
    """Seconds in a Retry-After header, a number or a date, up to the cap; 0 if it is invalid."""
    if text is None:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, now)
    return min(seconds, RETRY_AFTER_CAP_S) if math.isfinite(seconds) and seconds > 0 else 0.0


def _until(text: str, now: datetime) -> float:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
