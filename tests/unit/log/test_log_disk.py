"""Disks that are full or fail: what an append, a sync, a poll and a commit say then, and the reserve."""

import errno
import os
from pathlib import Path

import pytest
from log_site import Site, expected, rows, texts

from common.errors import DiskFull, LogError, NotDurable
from log import commits, mark
from log.mark import Mark
from log.reserve import Reserve


def failing(monkeypatch: pytest.MonkeyPatch, name: str, number: int, times: int = 1) -> None:
    """The next `times` calls of an os function fail."""
    real, left = getattr(os, name), iter(range(times))

    def call(*arguments: object) -> object:
        if next(left, None) is not None:
            raise OSError(number, os.strerror(number))
        return real(*arguments)

    monkeypatch.setattr(os, name, call)


def test_a_full_disk_takes_nothing_and_goes_on_when_there_is_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    failing(monkeypatch, "pwrite", errno.ENOSPC)
    with pytest.raises(DiskFull):
        site.log.append(rows(2, 3))
    assert site.log.append(rows(2, 3)) == 2
    assert texts(site.log) == expected(range(5))


@pytest.mark.parametrize("written", [1, 16, 17, 18, 40])
def test_a_write_that_stops_halfway_is_cut_back(site: Site, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    site.log.append(rows(0, 2))
    real, calls = os.pwrite, iter(range(10))

    def short(descriptor: int, data: bytes, place: int) -> int:
        if next(calls) == 0:
            return real(descriptor, data[:written], place)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", short)
        with pytest.raises(DiskFull):
            site.log.append(rows(2, 3))
    assert texts(site.another()) == expected(range(2))
    assert site.log.append(rows(2, 3)) == 2
    assert texts(site.log) == expected(range(5))


def test_a_write_in_two_parts_is_one_append(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, place: real(descriptor, data[:10], place))
    site.log.append(rows(0, 5))
    monkeypatch.undo()
    assert texts(site.log) == expected(range(5))


def test_what_could_not_be_cut_back_is_cut_before_the_next_row(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.pwrite, iter(range(10))

    def short(descriptor: int, data: bytes, place: int) -> int:
        if next(calls) == 0:
            return real(descriptor, data[:40], place)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", short)
        failing(patch, "ftruncate", errno.EIO)
        with pytest.raises(LogError):
            site.log.append(rows(0, 3))
    assert site.log.append(rows(0, 3)) == 0
    assert texts(site.log) == expected(range(3))


def watched_writes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, int]]:
    """What is written from now on, and where."""
    written: list[tuple[bytes, int]] = []
    real = os.pwrite

    def pwrite(descriptor: int, data: bytes, place: int) -> int:
        written.append((data, place))
        return real(descriptor, data, place)

    monkeypatch.setattr(os, "pwrite", pwrite)
    return written


def test_a_failed_sync_is_made_good_by_writing_the_rows_anew(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    written = watched_writes(monkeypatch)
    failing(monkeypatch, "fdatasync", errno.EIO)
    assert site.log.append(rows(0, 2)) == 0
    assert written[0] == written[1]  # the same bytes at the same place
    assert texts(site.log) == expected(range(2))


def test_rows_that_the_disk_does_not_confirm_are_there_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 1))
    with monkeypatch.context() as patch:
        failing(patch, "fdatasync", errno.EIO, times=4)
        with pytest.raises(NotDurable) as caught:
            site.log.append(rows(1, 2))
        assert caught.value.first == 1
        with pytest.raises(LogError, match="not appended"):  # the earlier rows come first
            site.log.append(rows(3, 1))
    assert site.log.append(rows(3, 1)) == 3
    assert texts(site.log) == expected(range(4))


def test_a_poll_hands_out_nothing_that_is_not_on_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    group = site.log.group("server")
    written = watched_writes(monkeypatch)
    with monkeypatch.context() as patch:
        failing(patch, "fdatasync", errno.EIO, times=2)
        for _ in range(2):
            with pytest.raises(LogError, match="does not confirm"):
                group.poll(10)
    assert [row.offset for row in group.poll(10)] == [0, 1]
    # Written anew before each repeated sync: the kernel may have marked them clean.
    assert [data for data, _ in written] == [site.path.read_bytes()] * 2


def test_a_poll_syncs_only_what_the_mark_does_not_cover(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    for log_id, end_offset, syncs in ((site.log.log_id, 2, 0), (site.log.log_id, 1, 1), ("another", 2, 1)):
        mark.store(site.data, Mark(28_000_000, end_offset, log_id))
        group = site.another().group("server")
        synced.clear()
        assert len(group.poll(10)) == 2
        assert len(synced) == syncs


def test_a_failing_commit_is_said_and_can_be_repeated(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    group = site.log.group("server")
    group.poll(2)
    with monkeypatch.context() as patch:
        failing(patch, "pwrite", errno.EIO)
        with pytest.raises(LogError, match="cannot commit"):
            group.commit(2)
    assert commits.read(site.data, "server") == 0
    group.commit(2)
    assert commits.read(site.data, "server") == 2


def test_a_handle_is_never_used_after_a_failed_start_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 2))
    site.path.unlink()
    with monkeypatch.context() as patch:
        failing(patch, "open", errno.EIO)
        with pytest.raises(LogError):
            site.log.append(rows(2, 1))
    assert site.log.append(rows(2, 1)) == 2
    assert texts(site.log) == expected(range(2, 3))


class Disk:
    """A disk of so many free bytes; other numbers are the real ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
        self.free = free
        self._real = os.statvfs
        monkeypatch.setattr(os, "statvfs", self._look)

    def _look(self, path: Path) -> object:
        real = self._real(path)

        class Space:
            f_frsize = 1
            f_bavail = self.free
            f_blocks = real.f_blocks * real.f_frsize

        return Space


def test_the_reserve_is_given_up_for_the_reset_and_taken_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = site.data / "server_data.reserve"
    assert reserve.stat().st_blocks > 0
    disk = Disk(monkeypatch, free=0)
    with monkeypatch.context() as patch:
        failing(patch, "pwrite", errno.ENOSPC)
        with pytest.raises(DiskFull):
            site.log.append(rows(0, 1))
    assert not reserve.exists()
    disk.free = 4 << 20
    with pytest.raises(DiskFull):  # the room that was given up is the reset's
        site.log.append(rows(0, 1))
    disk.free = 64 << 20
    assert site.log.append(rows(0, 1)) == 0
    assert reserve.exists()


def test_another_process_does_not_eat_what_was_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    other = site.another()
    Disk(monkeypatch, free=4 << 20)
    Reserve(site.data).give_up()
    with pytest.raises(DiskFull):
        other.append(rows(0, 1))


def test_a_start_on_a_full_disk_works(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 3))
    (site.data / "server_data.reserve").unlink()
    Disk(monkeypatch, free=0)
    assert texts(site.restart()) == expected(range(3))
