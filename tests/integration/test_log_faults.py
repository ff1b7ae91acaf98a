"""The log on a disk that fails at every call in turn, and through a power cut before every call in turn.

After each: no acknowledged row lost, no offset given to two rows, nothing out of order, nobody stuck.
"""

import contextlib
import errno
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faults import WRITES, Disk, PowerCut

from common.errors import LogError, NotDurable
from log import commits, mark
from log.file import FileLog
from log.mark import Mark

GROUPS = ("archive", "server")
TRIES = 12  # more than any run of faults here


class Site:
    """What its processes know: acknowledged rows, rows that were handed out, commits."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.rows: dict[int, str] = {}  # acknowledged
        self.seen: dict[int, str] = {}  # acknowledged or handed out: an offset's one row, for ever
        self.tried: set[str] = set()
        self.committed = dict.fromkeys(GROUPS, 0)
        self.done_with = dict.fromkeys(GROUPS, 0)  # rows before it are safe elsewhere: a commit was asked for
        self.number = 0
        self._log: FileLog | None = None

    @property
    def log(self) -> FileLog:
        if self._log is None:
            self._log = self.patiently(lambda: FileLog(self.data, GROUPS, compact_bytes=400, warn_bytes=1 << 30))
        return self._log

    def restart(self) -> None:
        if self._log is not None:
            self._log.close()
        self._log = None

    def patiently(self, step: Callable[[], Any]) -> Any:
        """What a process does about trouble: again, a little later."""
        for _ in range(TRIES):
            try:
                return step()
            except NotDurable:
                raise
            except LogError as error:
                problem = error
        raise AssertionError(f"stuck: {problem}")

    def append(self, count: int) -> None:
        texts = [f"row\t{self.number + n}" for n in range(count)]
        self.number += count
        self.tried |= set(texts)
        try:
            first = self.patiently(lambda: self.log.append(texts))
        except NotDurable as error:  # in the log; the next append makes it durable
            first = error.first
            self.append(1)
        for n, text in enumerate(texts):
            self._note(first + n, text)
            self.rows[first + n] = text

    def _note(self, offset: int, text: str) -> None:
        assert self.seen.setdefault(offset, text) == text, f"offset {offset} names {self.seen[offset]!r} and {text!r}"

    def consume(self, name: str, most: int = 1000) -> list[int]:
        """Poll and commit up to `most` rows; the offsets."""
        group = self.patiently(lambda: self.log.group(name))
        offsets: list[int] = []
        while len(offsets) < most and (polled := self.patiently(lambda: group.poll(min(4, most - len(offsets))))):
            for offset, text in polled:
                assert text in self.tried
                assert not offsets or offset > offsets[-1]
                self._note(offset, text)
                offsets.append(offset)
            self.done_with[name] = max(self.done_with[name], offsets[-1] + 1)
            self.patiently(lambda: group.commit(offsets[-1] + 1))
            self.committed[name] = max(self.committed[name], offsets[-1] + 1)
        group.close()
        return offsets

    def publish(self) -> None:
        with contextlib.suppress(OSError):
            mark.store(self.data, Mark(28_000_000, self.log.end_offset, self.log.log_id))

    def live(self) -> None:
        """A while in the life of a site: rows, commits, resets, compactions, restarts."""
        self.append(1)
        self.append(3)
        self.publish()
        self.consume("archive")
        self.consume("server", 2)
        self.append(2)
        self.consume("server")
        self.consume("archive")
        self.publish()
        self.patiently(self.log.trim)
        self.append(2)
        self.restart()
        self.append(40)
        self.consume("archive")
        self.consume("server", 30)
        self.publish()
        self.patiently(self.log.trim)
        self.append(1)

    def check(self) -> None:
        """After all of it, with a sound disk: everything is there, everything goes on."""
        self.restart()
        wanted = {name: [n for n in sorted(self.rows) if n >= self.done_with[name]] for name in GROUPS}
        for name in GROUPS:
            assert (commits.read(self.data, name) or 0) >= self.committed[name], "a commit went back"
        self.append(1)
        for name in GROUPS:
            got = self.consume(name)
            lost = [n for n in wanted[name] if n not in got]
            assert not lost, f"{name} never got {lost}"
        self.publish()
        self.log.trim()
        assert (self.data / "server_data.txt").read_bytes().count(b"\n") == 1, "not reset"
        self.append(1)
        assert len(self.consume("server")) == 1
        self.restart()


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Sites in memory where there is such a file system: this syncs ten thousand times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        numbers = iter(range(1_000_000))
        yield lambda: Site(Path(folder) / str(next(numbers)) / "data")


def run_with_faults(site: Site, **faults: Any) -> Disk:
    site.data.mkdir(parents=True)
    disk = Disk(site.data, **faults)
    with disk.watched():
        site.live()
    return disk


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    ("error", "short"),
    [(errno.EIO, False), (errno.ENOSPC, False), (errno.ENOSPC, True)],
    ids=["EIO", "ENOSPC", "short"],
)
def test_any_call_may_fail(make_site: Callable[[], Site], error: int, short: bool, times: int) -> None:
    names = run_with_faults(make_site()).called
    assert len(names) > 80
    for call, name in enumerate(names, 1):
        if short and not set(names[call - 1 : call - 1 + times]) & set(WRITES):  # none that can be made halfway
            continue
        site = make_site()
        disk = run_with_faults(site, fail_at=call, times=times, error=error, short=short)
        assert disk.failed[0] == name
        try:
            site.check()
        except BaseException as problem:
            problem.add_note(f"call {call} failed: {disk.failed}")
            raise


@pytest.mark.parametrize("seed", range(3))
def test_the_power_may_go_before_any_call(make_site: Callable[[], Site], seed: int) -> None:
    calls, cut = 0, True
    while cut:
        calls += 1
        site = make_site()
        site.data.mkdir(parents=True)
        disk = Disk(site.data, cut_at=calls)
        cut = False
        with disk.watched():
            try:
                site.live()
            except PowerCut:
                cut = True
        site.restart()
        disk.come_back(random.Random(f"{seed}-{calls}"))
        try:
            site.check()
        except BaseException as problem:
            problem.add_note(f"the power went before call {calls}")
            raise
    assert calls > 80


@pytest.mark.parametrize("seed", range(2))
def test_a_sync_may_fail_and_the_power_go_later(make_site: Callable[[], Site], seed: int) -> None:
    """A sync that failed left its pages clean: whoever only syncs again loses the rows at the power cut."""
    calls, failed = 0, True
    while failed:
        calls += 1
        site = make_site()
        disk = run_with_faults(site, fail_at=calls)
        failed = bool(disk.failed)
        site.restart()
        disk.come_back(random.Random(f"{seed}-{calls}"))
        try:
            site.check()
        except BaseException as problem:
            problem.add_note(f"call {calls} failed: {disk.failed}; then the power went")
            raise
    assert calls > 80
