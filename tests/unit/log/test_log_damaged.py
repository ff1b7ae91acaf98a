"""Recovery of lines: torn tails, damaged rows, lost line breaks."""

import errno
import os

import pytest
from log_site import GROUPS, Site, expected, flip, line_start, rows, texts

from common.errors import LogError
from log import commits
from log import damaged as badlines
from log.format import format_lines


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(
    "junk",
    [b"3\trow\t3\tdead", b"\0" * 5000, os.urandom(100).replace(b"\n", b"x"), b"3", b"x" * 100_000],
    ids=["half", "zeros", "junk", "digit", "long"],
)
def test_a_torn_tail_is_set_aside_and_its_number_given_to_the_next_row(site: Site, junk: bytes, running: bool) -> None:
    site.log.append(rows(0, 3))
    with site.path.open("ab") as file:
        file.write(junk)
    log = site.log if running else site.restart()
    assert texts(log) == expected(range(3))
    assert log.append(rows(3, 2)) == 3
    assert texts(log) == expected(range(5))
    assert badlines.count(site.data) == {"torn": 1}
    assert len(site.lines) == 6
    assert site.path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("kept", range(1, 17))
def test_a_row_that_was_cut_anywhere_is_never_half_believed(site: Site, kept: int, running: bool) -> None:
    site.log.append(rows(0, 3))
    line = format_lines(3, [b"row\t3"])
    assert len(line) == 17
    with site.path.open("ab") as file:
        file.write(line[:kept])
    log = site.log if running else site.restart()
    whole = kept == len(line) - 1  # all of it but the line break
    assert log.append(["row\t4" if whole else "row\t3"]) == (4 if whole else 3)
    assert texts(log) == expected(range(5 if whole else 4))


def test_a_damaged_last_line_break_costs_nothing(site: Site) -> None:
    site.log.append(rows(0, 3))
    flip(site.path, site.path.stat().st_size - 1)
    log = site.restart()
    assert log.append(rows(3, 1)) == 3
    assert texts(log) == expected(range(4))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_damaged_line_break_between_rows_costs_nothing(site: Site, number: int) -> None:
    site.log.append(rows(0, 5))
    flip(site.path, line_start(site, number + 1) - 1, 2)
    log = site.restart()
    assert texts(log) == expected(range(5))
    assert log.append(rows(5, 1)) == 5
    group = log.group("server")
    group.seek(number)
    assert group.poll(1)[0].offset == number


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("damaged", [0, 2, 4])
def test_a_damaged_line_is_skipped_once_and_its_number_stays_a_hole(site: Site, damaged: int, running: bool) -> None:
    site.log.append(rows(0, 5))
    flip(site.path, line_start(site, damaged + 1) + 3)
    log = site.log if running else site.restart()
    left = [number for number in range(5) if number != damaged]
    assert [offset for offset, _ in texts(log, "server")] == left
    assert [offset for offset, _ in texts(log, "archive")] == left
    assert badlines.count(site.data) == {"line": 1}
    assert log.append(rows(5, 1)) == 5
    site.consume(*GROUPS)
    assert log.trim()
    assert log.append(rows(6, 1)) == 6


def test_a_line_that_was_damaged_only_for_a_moment_is_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 3))
    read, calls = os.pread, iter([True, False])

    def once_wrong(descriptor: int, count: int, place: int) -> bytes:
        data = read(descriptor, count, place)
        return data.replace(b"row\t1", b"row\tX") if next(calls, False) else data

    group = site.log.group("server")
    group.poll(0)  # it is in the file: the next read is that of the rows
    group.seek(0)
    group._file = group._state.file
    group._byte = group._state.file.rows_start
    monkeypatch.setattr(os, "pread", once_wrong)
    assert [row.offset for row in group.poll(10)] == [0, 1, 2]
    assert badlines.count(site.data) == {}


def test_holes_at_the_end_do_not_keep_the_file_from_being_reset(site: Site) -> None:
    site.log.append(rows(0, 3))
    flip(site.path, line_start(site, 3) + 2)
    site.restart()
    site.consume(*GROUPS)
    assert (commits.read(site.data, "server"), commits.read(site.data, "archive")) == (3, 3)
    assert site.log.trim()


def test_a_log_of_damaged_lines_only_goes_on(site: Site) -> None:
    site.log.append(rows(0, 5))
    for line in range(1, 6):
        flip(site.path, line_start(site, line) + 2)
    log = site.restart()
    assert texts(log) == []
    assert log.append(rows(5, 1)) == 5
    assert texts(log) == expected(range(5, 6))


def test_a_full_disk_does_not_stop_a_group_at_a_damaged_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 3))
    flip(site.path, line_start(site, 2) + 2)

    def full(*_: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(badlines, "set_aside", full)
    assert texts(site.log) == expected(range(1), range(2, 3))


def test_a_poll_that_fails_on_its_way_skips_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 5))
    flip(site.path, line_start(site, 4) + 2)
    group = site.log.group("server")

    def fails(*_: object) -> bool:
        raise LogError("not now")

    with monkeypatch.context() as patch:
        patch.setattr(site.log._state, "set_aside", fails)
        with pytest.raises(LogError, match="not now"):
            group.poll(10)
    assert [row.offset for row in group.poll(10)] == [0, 1, 2, 4]


def test_a_file_edited_by_hand_is_read_as_far_as_it_proves_itself(site: Site) -> None:
    site.log.append(rows(0, 6))
    lines = site.lines
    lines[3] = lines[3].replace(b"row", b"ROW")  # row 2
    edited = [lines[0], b"# a note", *lines[1:5], lines[2], *lines[6:], lines[3]]  # row 1 twice, row 4 gone
    new = site.path.with_name("edited")
    new.write_bytes(b"\n".join(edited) + b"\n")
    new.replace(site.path)
    assert [offset for offset, _ in texts(site.log)] == [0, 1, 3, 5]
    assert site.log.append(rows(6, 1)) >= 6


def test_an_old_row_pasted_at_the_end_does_not_turn_the_numbers_back(site: Site) -> None:
    site.log.append(rows(0, 9))
    with site.path.open("ab") as file:
        file.write(site.lines[3] + b"\n")
    assert site.restart().append(rows(9, 1)) >= 9
    assert texts(site.log)[-1][1] == "row\t9"
