"""Append, poll, commit, seek: what a row's number and a group's place promise."""

import json
import os
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from log_site import GROUPS, Site, expected, rows, texts

from common.errors import LockTimeout, LogError
from common.folder import LOG_DAMAGED_FILE, LOG_ID_FILE
from log import commits
from log.file import FileLog
from log.format import format_lines, parse_header, parse_line
from log.roles import open_log


def test_offsets_grow_by_one_over_appends_and_restarts(site: Site) -> None:
    assert site.log.append(rows(0, 1)) == 0
    assert site.log.append(rows(1, 3)) == 1
    assert site.restart().append(rows(4, 1)) == 4
    assert (site.log.base_offset, site.log.end_offset) == (0, 5)
    assert texts(site.log) == expected(range(5))


def test_the_file_is_a_header_and_a_line_a_row_that_each_prove_themselves(site: Site) -> None:
    site.log.append(["2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t000"])
    header, line = site.lines
    assert parse_header(header) is not None
    assert line.startswith(b"0\t2024-08-26T16:33:00+09:00\t001\t8.02\t")
    assert parse_line(line) is not None


@pytest.mark.parametrize(
    "wrong",
    [[], [""], ["a\nb"], ["good", "a\n"], ["x" * 70_000]]
    + [["good", f"a\t{sign}b"] for sign in "\r\x00\x1b\x0b\x1f\x7f\x85\x9b\u2028"],
)
def test_what_is_not_a_line_is_refused_whole(site: Site, wrong: list[str]) -> None:
    with pytest.raises(ValueError, match=r"line|nothing"):
        site.log.append(wrong)
    assert site.log.append(rows(0, 1)) == 0


def test_a_line_may_hold_every_letter_and_sign(site: Site) -> None:
    text = "Zürich ΔP 서울\t€ \xa0 \N{FIRE} ~ !"
    site.log.append([text])
    assert texts(site.log) == [(0, text)]


def test_a_control_character_that_an_older_log_took_is_still_read(site: Site) -> None:
    with site.path.open("ab") as file:
        file.write(format_lines(0, [b"a\rb\x1b"]))
    assert texts(site.restart()) == [(0, "a\rb\x1b")]
    assert site.log.append(rows(1, 1)) == 1


def test_each_group_gets_every_row_and_goes_on_behind_its_own_commit(site: Site) -> None:
    site.log.append(rows(0, 10))
    group = site.log.group("server")
    assert [row.offset for row in group.poll(4)] == [0, 1, 2, 3]
    assert (group.position, group.committed, group.lag) == (4, 0, 10)
    group.commit(3)
    assert (group.position, group.committed, group.lag) == (4, 3, 7)
    site.restart()
    assert texts(site.log, "server") == expected(range(3, 10))
    assert texts(site.log, "archive") == expected(range(10))


def test_a_commit_moves_neither_back_nor_past_the_end(site: Site) -> None:
    site.log.append(rows(0, 5))
    group = site.log.group("server")
    group.poll(5)
    group.commit(4)
    group.commit(2)
    assert group.committed == 4
    with pytest.raises(LogError, match="ends at 5"):
        group.commit(6)
    assert commits.read(site.data, "server") == 4


def test_seek_reads_again_without_touching_the_commit(site: Site) -> None:
    site.log.append(rows(0, 6))
    group = site.log.group("server")
    group.poll(6)
    group.commit(6)
    group.seek(2)
    assert [row.offset for row in group.poll(2)] == [2, 3]
    group.commit(4)
    assert group.committed == 6


def test_a_consumer_sees_what_another_process_appends(site: Site) -> None:
    group = site.log.group("server")
    producer = site.another()
    for number in range(5):
        assert group.poll(10) == []
        producer.append(rows(number, 1))
        assert [row.offset for row in group.poll(10)] == [number]


def test_two_producers_take_turns_and_share_the_numbers(site: Site) -> None:
    other = site.another()
    offsets = [log.append(rows(number, 1)) for number, log in enumerate([site.log, other, other, site.log, other])]
    assert offsets == list(range(5))
    assert texts(site.log) == expected(range(5))


def test_rows_are_read_by_offset_also_in_a_file_of_megabytes(site: Site) -> None:
    count = 40_000
    site.log.append([f"{number}\t{'x' * 60}" for number in range(count)])
    for offset in (0, 1, 17_234, count - 1):
        found = site.log.read(offset, 2)
        assert [row.offset for row in found] == list(range(offset, min(offset + 2, count)))
    group = site.log.group("server")
    group.seek(31_000)
    assert [row.offset for row in group.poll(3)] == [31_000, 31_001, 31_002]
    assert sum(len(rows_) for rows_ in iter(lambda: group.poll(999), [])) == count - 31_003


def test_a_folder_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match="cannot open the log in"):
        FileLog(tmp_path / "file" / "data", GROUPS, compact_bytes=1, warn_bytes=1)


def test_the_set_aside_lines_are_one_line_each_and_harmless(site: Site) -> None:
    for junk in (b"\x1b[2Jevil\ttab", b"\xff\xfe"):
        site.log.append(["row"])
        with site.path.open("ab") as file:
            file.write(junk)
    site.log.append(["row"])
    text = (site.data / LOG_DAMAGED_FILE).read_text("ascii")
    assert text.count("\n") == 2
    assert text.isprintable() or "\x1b" not in text


def test_the_identity_says_nothing_about_the_machine(site: Site) -> None:
    text = (site.data / LOG_ID_FILE).read_text()
    assert Path("/etc/machine-id").read_text().strip() not in text
    assert json.dumps(text)


def test_a_new_log_has_an_id_of_its_own(site: Site, tmp_path: Path) -> None:
    other = Site(tmp_path / "other")
    assert uuid.UUID(other.log.log_id) != uuid.UUID(site.log.log_id)
    other.close()


def test_a_deleted_lock_file_parts_nobody(site: Site) -> None:
    other = site.another()
    assert site.log.append(rows(0, 1)) == 0
    (site.data / "server_data.txt.lock").unlink()
    with site.log._state.lock.held(), pytest.raises(LockTimeout):
        other._state.lock.acquire(0.0)
    assert (other.append(rows(1, 1)), site.log.append(rows(2, 1))) == (1, 2)


@pytest.mark.parametrize("name", ["", ".", "..", "../stray", "a/b", "a.tmp", "a b", "a\n", "/stray"])
def test_a_groups_name_cannot_be_that_of_another_file(site: Site, name: str) -> None:
    with pytest.raises(ValueError, match="a group's name"):
        site.log.group(name)
    assert not (site.data / "stray").exists()


def test_asking_for_no_rows_gets_none(site: Site) -> None:
    site.log.append(rows(0, 2))
    group = site.log.group("server")
    assert (group.poll(0), group.poll(-1), site.log.read(0, 0), site.log.read(0, -1)) == ([], [], [], [])
    assert len(group.poll(1)) == 1
    group.close()


def test_a_group_cannot_commit_rows_that_are_still_to_come(site: Site) -> None:
    group = site.log.group("server")
    group.seek(5)
    with pytest.raises(LogError, match="the log ends at 0"):
        group.commit(5)
    site.log.append(rows(0, 1))
    assert [record.offset for record in group.poll(9)] == [0]
    group.close()


def test_one_text_is_no_list_of_lines(site: Site) -> None:
    with pytest.raises(TypeError):
        site.log.append("abc")


def test_a_text_is_as_good_a_folder(tmp_path: Path) -> None:
    with closing(open_log("file", str(tmp_path))) as log:
        assert log.append(rows(0, 1)) == 0


def test_a_second_close_does_nothing_and_leaves_other_files_alone(site: Site) -> None:
    group = site.log.group("server")
    opened = []
    for thing in (group, site.log):
        thing.close()
        opened += [os.open(site.path, os.O_RDONLY) for _ in range(3)]  # they get the numbers that are free now
        thing.close()
    for descriptor in opened:
        os.close(descriptor)  # an OSError if one was closed in our place


def test_a_closed_log_says_so(site: Site) -> None:
    site.log.append(rows(0, 1))
    group = site.log.group("server")
    site.log.close()
    for ask in (lambda: site.log.append(rows(1, 1)), lambda: site.log.read(0, 1), lambda: group.poll(1)):
        with pytest.raises(LogError, match="is closed"):
            ask()
    group.close()
    assert site.restart().end_offset == 1
