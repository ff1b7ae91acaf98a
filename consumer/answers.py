"""The table of answers: what each status means for the rows. No answer ever loses a row.

| answer | verdict |
| --- | --- |
| 2xx, complete, and nothing in its body says otherwise | DELIVERED |
| 2xx that its body contradicts | RETRY |
| 400, 422 | HALVE, and a single row is set aside |
| 413 | HALVE, and a single row is set aside |
| 401, 403 | SLOW: a person has to act |
| 408 425 429 5xx, 404 405 409 415 421, 3xx and all others, no answer | RETRY |
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from common.http_answer import HttpAnswer, retry_after_s
from common.logging_setup import quoted
from common.retry import Backoff
from consumer.receipt import contradiction

RETRY = Backoff(first_s=1.0, cap_s=30.0)  # rows come every ten minutes: half a minute more does not matter
SLOW = Backoff(first_s=60.0, cap_s=600.0)  # a person has to act first; then it continues within ten minutes
NO_RECEIPT = "the answer {status} is no receipt, so the rows are kept"


class Kind(Enum):
    DELIVERED = "delivered"
    RETRY = "retry"
    SLOW = "slow"
    HALVE = "halve"


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What became of one attempt.

    Attributes:
        problem: for people, and the same for each retry.
        after_s: the wait that the server asked for.
        answer: of an HTTP server, if there was one, without our token.
        said: its body as it came, which is neither shown nor kept.
    """

    kind: Kind
    problem: str = ""
    after_s: float = 0.0
    answer: HttpAnswer = HttpAnswer(None)
    said: bytes = b""

    def wait_s(self, failures: int) -> float:
        """Seconds until the next try after this many failures in a row."""
        backoff = SLOW if self.kind is Kind.SLOW else RETRY
        return max(backoff.wait_s(failures), self.after_s)


def judge(answer: HttpAnswer, now: datetime, rows: int, receipt: str = "") -> DeliveryOutcome:
    """Decide what to do with the rows of an attempt; `receipt`: what must stand in the answer to a delivery."""
    status = answer.status
    if status is None:
        return DeliveryOutcome(Kind.RETRY, f"no answer from the server: {answer.problem}")
    after_s = retry_after_s(answer.retry_after, now)
    if 200 <= status < 300:
        problem = contradiction(answer.body, rows, receipt)
        text = f"{NO_RECEIPT.format(status=status)}: {problem}"
        return DeliveryOutcome(Kind.RETRY, text, after_s) if problem else DeliveryOutcome(Kind.DELIVERED)
    if status in (400, 413, 422):
        return DeliveryOutcome(Kind.HALVE, f"the server refuses rows with {status}: {quoted(answer.body)}", after_s)
    if status in (401, 403):
        return DeliveryOutcome(
            Kind.SLOW, f"the server refuses the token with {status}: look at server.token_file", after_s
        )
    if 300 <= status < 400:
        return DeliveryOutcome(Kind.RETRY, f"the server redirects with {status}: correct server.url", after_s)
    return DeliveryOutcome(Kind.RETRY, f"the server answered {status}", after_s)
