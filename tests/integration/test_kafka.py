"""The roles on a Kafka-protocol broker: the same promises, and no process can tell the difference."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import free_port, running_broker

from common.errors import LogError
from common.log import Log, open_log


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def log(broker: str, tmp_path: Path) -> Iterator[Log]:
    opened = open_log(f"kafka://{broker}/{tmp_path.name}", tmp_path, ["archive"])
    yield opened
    opened.close()


def _poll_until(group: object, wanted: int) -> list[tuple[int, str]]:
    rows: list[tuple[int, str]] = []
    deadline_s = time.monotonic() + 20
    while len(rows) < wanted and time.monotonic() < deadline_s:
        rows += group.poll(wanted - len(rows))  # type: ignore[attr-defined]
    return rows


def test_rows_come_back_in_order_with_their_offsets(log: Log) -> None:
    assert log.append(["a\t1", "b\t2"]) == 0
    assert log.append(["c\t3"]) == 2
    assert (log.base_offset, log.end_offset) == (0, 3)
    assert log.read(1, 5) == [(1, "b\t2"), (2, "c\t3")]
    group = log.group("archive")
    assert _poll_until(group, 3) == [(0, "a\t1"), (1, "b\t2"), (2, "c\t3")]
    assert group.position == 3
    group.close()


def test_what_is_not_committed_comes_again(log: Log) -> None:
    log.append(["a", "b", "c"])
    first = log.group("archive")
    assert len(_poll_until(first, 3)) == 3
    first.commit(2)
    assert first.lag == 1
    first.close()
    second = log.group("archive")
    assert (second.committed, _poll_until(second, 1)) == (2, [(2, "c")])
    second.commit(1)
    assert second.committed == 2, "a commit never moves back"
    second.close()


def test_groups_do_not_disturb_each_other(log: Log) -> None:
    log.append(["a"])
    one, other = log.group("archive"), log.group("server")
    assert _poll_until(one, 1) == [(0, "a")]
    one.commit(1)
    assert _poll_until(other, 1) == [(0, "a")]
    assert (one.lag, other.lag) == (0, 1)
    one.close()
    other.close()


def test_a_cluster_that_is_not_there_is_said_and_not_waited_for_ever(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="Kafka"):
        open_log(f"kafka://127.0.0.1:{free_port()}/rows", tmp_path, [])
