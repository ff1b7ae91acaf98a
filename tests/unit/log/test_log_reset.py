"""Reset and compaction: what goes, what stays, and who follows."""

import errno
import os

import pytest
from log_site import GROUPS, Site, expected, rows, texts

from common.errors import DiskFull
from common.folder import GROUPS_FOLDER
from log import mark
from log.mark import Mark


def test_the_file_is_reset_when_every_group_has_consumed_every_row(site: Site) -> None:
    site.log.append(rows(0, 5))
    site.consume("server")
    assert not site.log.trim()
    site.consume("archive")
    assert site.log.trim()
    assert len(site.lines) == 1
    assert (site.log.base_offset, site.log.end_offset) == (5, 5)
    assert not site.log.trim()
    assert site.log.append(rows(5, 1)) == 5
    assert texts(site.restart()) == expected(range(5, 6))


def test_a_row_that_comes_in_during_the_reset_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 5))
    site.consume(*GROUPS)
    producer = site.another()
    sync = os.fdatasync

    def append_meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(os, "fdatasync", sync)
        sync(descriptor)
        producer.append(rows(5, 2))

    monkeypatch.setattr(os, "fdatasync", append_meanwhile)
    assert site.log.trim()
    assert texts(site.log) == expected(range(5, 7))
    assert producer.append(rows(7, 1)) == 7
    assert texts(site.log) == expected(range(5, 8))


def test_others_follow_through_a_reset(site: Site) -> None:
    other = site.another()
    group = other.group("server")
    for number in range(20):
        site.log.append(rows(number, 1))
        assert [row.offset for row in group.poll(5)] == [number]
        group.commit(number + 1)
        site.consume("archive")
        assert (other if number % 2 else site.log).trim()


def test_a_large_consumed_part_is_dropped_while_a_group_lags(site: Site) -> None:
    log = site.restart(compact_bytes=2000)
    log.append(rows(0, 300))
    site.consume("archive")
    group = log.group("server")
    group.poll(100)
    group.commit(100)
    assert not log.trim()  # more than 2,000 bytes, but less than half of the file
    group.poll(100)
    group.commit(200)
    assert log.trim()
    assert (log.base_offset, log.end_offset) == (200, 300)
    assert len(site.lines) == 101
    assert [row.offset for row in group.poll(3)] == [200, 201, 202]


def test_a_group_that_never_came_keeps_its_rows(site: Site) -> None:
    site.log.append(rows(0, 5))
    site.consume("server")
    assert not site.log.trim()
    assert texts(site.restart(), "archive") == expected(range(5))


def test_a_group_that_is_not_listed_reads_but_holds_nothing(site: Site) -> None:
    site.log.append(rows(0, 5))
    guest = site.log.group("guest")
    assert len(guest.poll(2)) == 2
    guest.commit(2)
    site.consume(*GROUPS)
    assert site.log.trim()
    site.log.append(rows(5, 1))
    assert [row.offset for row in guest.poll(10)] == [5]


def test_rows_that_the_producer_has_not_marked_are_not_dropped(site: Site) -> None:
    site.log.append(rows(0, 5))
    mark.store(site.data, Mark(28_000_000, 4, site.log.log_id))  # killed between the last append and its mark
    site.consume(*GROUPS)
    assert not site.log.trim()
    assert [row.offset for row in site.restart().read(4, 10)] == [4]
    mark.store(site.data, Mark(28_000_001, 5, site.log.log_id))
    assert site.log.trim()


def test_a_group_without_a_readable_commit_holds_the_log(site: Site) -> None:
    site.log.append(rows(0, 5))
    site.consume(*GROUPS)
    (site.data / GROUPS_FOLDER / "archive").write_bytes(b"\xff" * 128)
    assert not site.log.trim()


def test_a_failed_reset_leaves_no_half_file_behind(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 5))
    site.consume(*GROUPS)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", full)
        with pytest.raises(DiskFull):
            site.log.trim()
    assert not (site.data / "server_data.txt.new").exists()
    assert site.log.trim()


def test_one_group_resets_at_a_time(site: Site) -> None:
    from log.lock import Lock

    site.log.append(rows(0, 5))
    site.consume(*GROUPS)
    at_it = Lock(site.data / "server_data.txt.new.lock")
    with at_it.held():
        assert not site.log.trim()
    at_it.close()
    assert site.log.trim()


def test_a_lagging_group_is_named_when_the_file_is_large(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    log = site.restart(warn_bytes=1000)
    log.append(rows(0, 100))
    site.consume("archive")
    log.trim()
    log.trim()
    assert [record.message for record in caplog.records if "log_large" in record.message] == [
        f"log_large bytes={site.path.stat().st_size} waiting_for=server nothing is dropped"
    ]
