"""Which minutes are complete at a place of the log: *all rows up to minute T are before offset N*."""

from collections.abc import Callable

from common.batch_mark import BatchMark
from common.errors import RowRefused
from common.row import parse_payload
from log.mark import Mark
from log.roles import Log

MarkOf = Callable[[], BatchMark | None]  # of a batch; asked only by who tells it: the answer costs a look into the log
MOST_ROWS = 10_000  # rows read to find out; in a longer backlog a later place will tell


def closed_before(log: Log, published: Mark | None, offset: int) -> int | None:
    """The newest UTC minute of which all rows are before `offset`; None = not known.

    The mark says it for its own place. Rows between here and there may be of earlier minutes.
    """
    if published is None or published.log_id != log.log_id:
        return None
    if published.end_offset <= offset:
        return published.closed_through
    rows = log.read(offset, MOST_ROWS) if published.end_offset - offset <= MOST_ROWS else []
    if not rows:
        return None
    minutes = [published.closed_through + 1]
    for record in rows:
        try:
            minutes.append(parse_payload(record.payload).minute)
        except RowRefused:
            continue
    return min(minutes) - 1
