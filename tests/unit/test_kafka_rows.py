"""What lies in a topic: rows are told from everything else, all at one look or one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import kafka_rows
from common.kafka_rows import row_messages, sift

LINE = b"\t2024-08-26T16:33:00+09:00\t001\t8.02\t\t60\t0000\t000\t0\t0"
STRANGE = [
    (b"a", b""),
    (b"a", b"\xff\0"),
    (b"b", b"a\tlog\t1" + LINE),  # another site's key
    (None, b"a\tlog\t1" + LINE),
    (b"a", b"a\tlog\t1" + LINE + b"\t1"),
    (b"a", b"a\tlog\t1" + LINE + b"\n"),
    (b"a", b"a\tlog\t1" + LINE + b"\na\tlog\t2" + LINE),  # two in one
    (b"a", b"a\tlog\t01" + LINE),
    (b"a", b"a\tlog\t1" + LINE.replace(b"08-26", b"02-30")),
    (b"a", b"a\tlog\t1" + LINE.replace(b"2024", b"1024")),
    (b"a", b"a\tlog\t1" + LINE.replace(b"+09:00", b"+16:00")),  # Postgres knows no such zone
    (b"a", b"a\tlog\t1" + LINE.replace(b"+09:00", b"+09:75")),
]


@given(st.lists(st.integers(-len(STRANGE), 40), max_size=60))
def test_each_strange_message_is_found_among_the_rows_and_named(kinds: list[int]) -> None:
    messages = [STRANGE[kind] if kind < 0 else row_messages("a", "log", [b"%d" % kind + LINE])[0] for kind in kinds]
    found = sift([key for key, _ in messages], [value for _, value in messages])
    assert found.rows == [number for number, kind in enumerate(kinds) if kind >= 0]
    assert list(found.strange) == [number for number, kind in enumerate(kinds) if kind < 0]
    assert all(found.strange.values())


def test_many_rows_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = row_messages("a", "log", [b"%d" % offset + LINE for offset in range(1000)])
    monkeypatch.setattr(kafka_rows, "_strange", None)  # asked of single ones
    assert sift([key for key, _ in messages], [value for _, value in messages]).rows == list(range(1000))
