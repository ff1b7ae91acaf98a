"""A disk that is really full: a small file system in memory, filled up and freed again."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.errors import DiskFull
from log.file import FileLog
from log.roles import open_log

SIZE_BYTES = 1 << 20
ROW = "2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t{}"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk; the injected ENOSPC stands in for it")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def open_it(folder: Path) -> FileLog:
    log = open_log("file", folder / "data", ["server"], compact_bytes=10_000)
    assert isinstance(log, FileLog)
    return log


def fill(folder: Path) -> None:
    """Somebody else takes all the room there is."""
    with contextlib.suppress(OSError), (folder / "filler").open("ab", buffering=0) as filler:
        while True:
            filler.write(bytes(512))


def append_until_full(log: FileLog, first: int) -> int:
    """Append row by row; how many are in the log."""
    number = first
    with pytest.raises(DiskFull):
        while True:
            assert log.append([ROW.format(number)]) == number
            number += 1
    return number


def test_a_full_disk_loses_nothing_and_the_reset_still_works(small_disk: Path) -> None:
    log = open_it(small_disk)
    log.append([ROW.format(0)])
    fill(small_disk)
    end = append_until_full(log, 1)
    with pytest.raises(DiskFull):
        log.append([ROW.format(end)])
    raw = log._state.path.read_bytes()
    assert raw.endswith(b"\n"), "a half row on the full disk"
    assert raw.count(b"\n") == end + 1

    # A restart, a group that consumes, and a reset: all while the disk is full.
    log.close()
    log = open_it(small_disk)
    group = log.group("server")
    offsets = []
    while polled := group.poll(100):
        offsets += [row.offset for row in polled]
        group.commit(polled[-1].offset + 1)
    assert offsets == list(range(end))
    assert log.trim()
    assert log._state.path.read_bytes().count(b"\n") == 1

    (small_disk / "filler").unlink()
    assert log.append([ROW.format(end)]) == end
    assert [row.offset for row in group.poll(10)] == [end]
    assert (small_disk / "data" / "server_data.reserve").exists()
    group.close()
    log.close()
