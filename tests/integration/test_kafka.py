"""The roles on a Kafka-protocol broker: the same promises, and no process can tell the difference."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ports import free_port

from cli import checks
from common.clock import SystemClock
from common.errors import LogError
from common.settings import Settings
from log.mark import Mark, store
from log.roles import LOOK_S, Log, Position, committed, open_log, positions
from situation import snapshot
from situation.judge import judge

MakeSettings = Callable[..., Settings]


@pytest.fixture
def log(broker: str, tmp_path: Path) -> Iterator[Log]:
    opened = open_log(f"kafka://{broker}/{tmp_path.name}", tmp_path, ["archive"])
    yield opened
    opened.close()


def _poll_until(group: object, wanted: int) -> list[tuple[int, str]]:
    rows: list[tuple[int, str]] = []
    deadline_s = time.monotonic() + 120
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


def test_what_is_not_a_line_is_refused_and_a_second_close_does_nothing(log: Log) -> None:
    for wrong in ([], [""], ["a\nb"], ["good", "a\rb"]):
        with pytest.raises(ValueError, match="line"):
            log.append(wrong)
    assert log.end_offset == 0
    group = log.group("archive")
    for thing in (group, group, log, log):
        thing.close()


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


def test_how_far_the_groups_have_come_is_asked_of_the_cluster(
    log: Log, broker: str, tmp_path: Path, settings_for: MakeSettings
) -> None:
    log.append(["a", "b", "c"])
    group = log.group("archive")
    group.commit(2)
    group.close()
    chosen = settings_for(log__url=f"kafka://{broker}/{tmp_path.name}")
    assert positions(chosen, ["archive", "server"]) == {"archive": Position(2), "server": Position(None)}
    assert committed(chosen, "archive") == 2
    store(chosen.paths.data, Mark(0, 3, "log", {}))
    look = snapshot.take(chosen, SystemClock())
    assert [(group, look.lag(group)) for group in look.groups] == [("archive", 1), ("server", None)]
    said = {finding.subject: finding for finding in checks.log(chosen, datetime.now(UTC))}
    assert (said["group archive"].ok, said["group archive"].text) == (True, "at offset 2, 1 rows behind")
    assert "has never committed" in said["group server"].text


def test_a_cluster_that_is_away_is_said_once_for_all_groups(settings_for: MakeSettings) -> None:
    chosen = settings_for(log__url=f"kafka://127.0.0.1:{free_port()}/rows")
    before_s = time.monotonic()
    assert not any(place.offset for place in positions(chosen, [f"group-{number}" for number in range(20)]).values())
    assert time.monotonic() - before_s < LOOK_S * 10  # once for all together
    look = snapshot.take(chosen, SystemClock())
    assert [look.lag(group) for group in look.groups] == [None, None]
    assert "groups-unknown" in [each.code for each in judge(look, chosen).verdict.problems]
    with pytest.raises(LogError, match="Kafka"):
        committed(chosen, "archive")
