"""Small pieces under everything: atomic files, the mark, health, retry, the clock, locks."""

import os
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import clock, health
from common.errors import LockTimeout, RoleTaken
from common.files import replace, stamp
from common.folder import HEALTH_FOLDER, MARK_FILE
from common.logging_setup import quoted
from common.retry import Backoff
from common.roles import RoleLock
from log import mark
from log.lock import Lock


def test_a_file_that_may_be_read_from_now_on_has_changed(tmp_path: Path) -> None:
    """Who could not read it tries again."""
    path = tmp_path / "users.json"
    path.write_text("{}")
    path.chmod(0o000)
    before = stamp(path)
    for _ in range(100_000):  # some ticks of the file system's clock
        path.chmod(0o640)
    assert stamp(path) != before


def test_a_replaced_file_is_on_disk_before_its_name_and_its_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, str]] = []

    def watched(name: str) -> None:
        real = getattr(os, name)

        def call(target: int | Path, *rest: Path) -> None:
            path = Path(f"/proc/self/fd/{target}").resolve() if isinstance(target, int) else target
            done.append((name, path.name))
            real(target, *rest)

        monkeypatch.setattr(os, name, call)

    for name in ("fdatasync", "fsync", "replace"):
        watched(name)
    replace(tmp_path / "state", b"new")
    assert done == [("fdatasync", "state.tmp"), ("replace", "state.tmp"), ("fsync", tmp_path.name)]
    assert not (tmp_path / "state").stat().st_mode & 0o007, "nobody else reads what the box keeps"
    done.clear()
    replace(tmp_path / "state", b"newer", durable=False)
    assert done == [("replace", "state.tmp")]


def test_a_file_is_replaced_whole_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state"
    replace(path, b"old")
    replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_a_failed_replace_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    replace(path, b"old")

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="Input/output"):
        replace(path, b"new")
    assert path.read_bytes() == b"old"


def test_the_mark_comes_back(tmp_path: Path) -> None:
    published = mark.Mark(28_000_000, 18_342, "6f1c", {"001": 28_000_000, "002": 27_999_999})
    mark.store(tmp_path, published)
    assert mark.load(tmp_path) == published


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"closed_through": "x"}', b"\xff\x00"])
def test_a_damaged_mark_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MARK_FILE).write_bytes(content)
    assert mark.load(tmp_path) is None


def test_health_shows_a_problem_until_it_is_over(tmp_path: Path) -> None:
    now = datetime(2024, 8, 26, tzinfo=UTC)
    state = health.Health(tmp_path, "archive", now)
    state.problem(now, 1.0, "the database does not answer")
    assert health.load_all(tmp_path)["archive"]["problem"] == "the database does not answer"
    state.success(now, 1.1, lag=7)
    shown = health.load_all(tmp_path)["archive"]
    assert (shown["problem"], shown["counters"]["lag"]) == ("", 7)


def test_an_unreadable_health_file_is_shown_as_a_problem(tmp_path: Path) -> None:
    (tmp_path / HEALTH_FOLDER).mkdir()
    (tmp_path / HEALTH_FOLDER / "archive.json").write_bytes(b"{")
    assert "unreadable" in health.load_all(tmp_path)["archive"]["problem"]


@given(st.integers(1, 10_000), st.floats(0.1, 10), st.floats(10, 1000), st.integers())
def test_backoff_grows_to_its_cap_and_never_beyond(failures: int, first_s: float, cap_s: float, seed: int) -> None:
    wait_s = Backoff(first_s, cap_s).wait_s(failures, random.Random(seed))
    assert first_s / 2 <= wait_s <= cap_s
    assert wait_s >= min(cap_s, first_s * 2 ** min(failures - 1, 30)) / 2


def test_a_sped_up_clock_agrees_between_processes() -> None:
    text = clock.ScaledClock(60.0, time.time() - 10, 1_700_000_000.0).to_environment()
    first, second = (clock.from_environment({clock.VARIABLE: text}) for _ in range(2))
    before, between, after = first.now(), second.now(), first.now()
    assert (before - datetime.fromtimestamp(1_700_000_000, UTC)).total_seconds() >= 600
    assert before <= between <= after
    assert isinstance(clock.from_environment({}), clock.SystemClock)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC)))
def test_a_minute_holds_its_time(time_: datetime) -> None:
    start = clock.minute_start(clock.minute_of(time_))
    assert 0 <= (time_ - start).total_seconds() < 60


def test_foreign_text_cannot_break_a_line_or_reach_the_terminal() -> None:
    shown = quoted("a\nb\x1b[2Jñ\u202e" + "x" * 1000)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 200


HOLD = """
import sys
from pathlib import Path
from common.roles import RoleLock
from log.lock import Lock
held = RoleLock(Path(sys.argv[1]), "producer")
lock = Lock(Path(sys.argv[1]) / "data.lock")
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_is_held_between_processes_and_freed_by_a_kill(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        mine = Lock(tmp_path / "data.lock")
        with pytest.raises(LockTimeout, match=r"data\.lock"):
            mine.acquire(0.05)
        with pytest.raises(RoleTaken, match=str(holder.pid)):
            RoleLock(tmp_path, "producer")
        holder.kill()
        holder.wait()
        mine.acquire(5.0)
        mine.release()
        mine.close()
        RoleLock(tmp_path, "producer").close()


def test_a_lock_is_held_between_threads(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "data.lock")
    refused = threading.Event()

    def try_it() -> None:
        try:
            lock.acquire(0.05)
        except LockTimeout:
            refused.set()

    with lock.held():
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert refused.is_set()
    lock.close()


def test_a_symbolic_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("rows")
    (tmp_path / "data.lock").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        Lock(tmp_path / "data.lock")
    assert victim.read_text() == "rows"
