"""How rows and marks lie in a topic: key = site; value = text, tab-separated. Pure.

row     site  log id  offset  and the columns of a batch's line after its offset
mark    site  log id  offset  "closed"  time     all rows up to this minute have offsets before this one
"""

from common.clock import minute_start

CLOSED = "closed"

Keyed = tuple[bytes, bytes]  # a message: its key and its value


def row_message(site: str, log_id: str, line: str) -> Keyed:
    """A line of a batch, which begins with the row's offset."""
    return site.encode(), f"{site}\t{log_id}\t{line}".encode()


def mark_message(site: str, log_id: str, offset: int, closed: int) -> Keyed:
    """All rows up to UTC minute `closed` have offsets before `offset`."""
    time = minute_start(closed).isoformat(timespec="seconds")
    return site.encode(), f"{site}\t{log_id}\t{offset}\t{CLOSED}\t{time}".encode()
