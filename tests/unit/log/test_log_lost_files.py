"""Recovery of files: the log itself, its header, identity, mark and commits, lost or damaged."""

import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from log_site import GROUPS, Site, expected, flip, line_start, rows, texts

from common.folder import LOG_ID_FILE
from log import commits, damaged, identity, mark
from log.format import parse_header
from log.mark import Mark


@pytest.mark.parametrize("harm", ["missing", "empty"])
@pytest.mark.parametrize("running", [True, False])
def test_a_lost_file_starts_again_behind_everything_that_is_remembered(site: Site, harm: str, running: bool) -> None:
    site.log.append(rows(0, 9))
    group = site.log.group("archive")
    group.poll(6)
    group.commit(6)
    log_id = site.log.log_id
    site.path.unlink()
    if harm == "empty":
        site.path.touch()
    log = site.log if running else site.restart()
    assert log.append(rows(9, 1)) == (9 if running else 6)
    assert (log.log_id == log_id) == running  # 6 was given before: under another id it is another name


def test_a_lost_file_keeps_its_id_where_the_mark_knows_its_end(site: Site) -> None:
    site.log.append(rows(0, 9))
    _mark(site, 9)
    log_id = site.log.log_id
    site.path.unlink()
    log = site.restart()
    assert (log.append(rows(9, 1)), log.log_id) == (9, log_id)


@pytest.mark.parametrize("bit", range(0, 8 * 30, 7))
def test_a_damaged_header_costs_no_row_and_no_number(site: Site, bit: int) -> None:
    site.log.append(rows(0, 8))
    site.consume(*GROUPS)
    site.log.trim()
    site.log.append(rows(8, 4))
    log_id, size = site.log.log_id, line_start(site, 1)
    flip(site.path, size - 1 - bit // 8, bit % 8)
    log = site.restart()
    assert texts(log) == expected(range(8, 12))
    assert (log.base_offset, log.end_offset, log.log_id) == (8, 12, log_id)
    assert log.append(rows(12, 1)) == 12
    assert damaged.count(site.data).get("line") is None


def test_a_damaged_header_of_an_empty_log_costs_no_number(site: Site) -> None:
    site.log.append(rows(0, 8))
    site.consume(*GROUPS)
    site.log.trim()
    flip(site.path, 62)
    assert site.restart().append(rows(8, 1)) == 8


def test_a_deleted_header_costs_nothing(site: Site) -> None:
    site.log.append(rows(0, 3))
    log_id = site.log.log_id
    site.path.write_bytes(b"".join(line + b"\n" for line in site.lines[1:]))
    log = site.restart()
    assert (log.log_id, texts(log)) == (log_id, expected(range(3)))
    assert parse_header(site.lines[0]) is not None


def test_without_the_identity_the_log_id_comes_from_the_mark(site: Site) -> None:
    site.log.append(rows(0, 3))
    log_id = site.log.log_id
    mark.store(site.data, Mark(28_000_000, 3, log_id))
    (site.data / LOG_ID_FILE).unlink()
    flip(site.path, 20)
    assert site.restart().log_id == log_id


def test_a_copied_folder_is_not_taken_for_its_old_self(site: Site, tmp_path: Path) -> None:
    site.log.append(rows(0, 3))
    shutil.copytree(site.data, tmp_path / "copy")
    copy = Site(tmp_path / "copy")
    assert copy.log.log_id != site.log.log_id
    assert texts(copy.log) == expected(range(3))
    assert copy.log.append(rows(3, 1)) == 3
    log_id = copy.log.log_id
    assert copy.restart().log_id == log_id
    copy.close()


def test_a_copied_machine_is_not_taken_for_its_old_self(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_id = site.log.log_id
    other = tmp_path / "machine-id"
    other.write_text(uuid.uuid4().hex)
    monkeypatch.setattr(identity, "MACHINE_ID", other)
    assert site.restart().log_id != log_id


@pytest.mark.parametrize("lost", [LOG_ID_FILE, "producer.mark", "groups/server", "groups/archive"])
@pytest.mark.parametrize("harm", ["missing", "damaged", "empty"])
def test_a_lost_state_file_costs_no_row_and_no_name(site: Site, lost: str, harm: str) -> None:
    site.log.append(rows(0, 6))
    mark.store(site.data, Mark(28_000_000, 6, site.log.log_id))
    group = site.log.group("server")
    group.poll(2)
    group.commit(2)
    log_id, path = site.log.log_id, site.data / lost
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if harm == "empty" else os.urandom(200))
    log = site.restart()
    assert log.log_id == log_id
    assert log.append(rows(6, 1)) == 6
    assert texts(log, "server") == expected(range(0 if lost == "groups/server" else 2, 7))


def _commit(site: Site, end: int) -> None:
    file = commits.CommitFile(site.data, "server", 0)
    file.write(end)
    file.close()


def _mark(site: Site, end: int) -> None:
    mark.store(site.data, Mark(28_000_000, end, site.log.log_id))


def _outbox(site: Site, end: int) -> None:
    key = f"site-1/{site.log.log_id}/2-{end - 1}"
    (site.data / "outbox.tsv").write_text(f"# hydrolog outbox 1\tkey={key}\tcrc=00000000\n2\trow\n")


@pytest.mark.parametrize("remember", [_commit, _mark, _outbox])
@pytest.mark.parametrize("empty", [True, False])
def test_rows_lost_with_the_power_leave_their_numbers_unused(
    site: Site, remember: Callable[[Site, int], None], empty: bool
) -> None:
    site.log.append(rows(0, 9))
    remember(site, 9)
    size = line_start(site, 1 if empty else 5)
    os.truncate(site.path, size)
    log = site.restart()
    assert log.append(rows(9, 1)) == 9
    # Nobody is stuck at the hole.
    assert texts(log, "archive") == expected(range(0 if empty else 4), range(9, 10))
    assert texts(log, "server")[-1:] == expected(range(9, 10))
    (site.data / "outbox.tsv").unlink(missing_ok=True)
    _mark(site, 10)
    site.consume(*GROUPS)
    assert log.trim()


def test_a_file_cut_while_it_is_open_keeps_its_numbers(site: Site) -> None:
    site.log.append(rows(0, 9))
    os.truncate(site.path, line_start(site, 5))
    assert site.log.append(rows(9, 1)) == 9
    assert texts(site.log) == expected(range(4), range(9, 10))


def test_what_came_along_in_a_copy_keeps_the_id_under_which_the_original_may_have_sent_it(
    site: Site, tmp_path: Path
) -> None:
    site.log.append(rows(0, 3))
    ids = [site.log.log_id]
    for number in (1, 2):  # a copy, and a copy of that one
        shutil.copytree(site.data, tmp_path / str(number))
        site.close()
        site = Site(tmp_path / str(number))
        assert site.log.append(rows(3 * number, 3)) == 3 * number
        ids.append(site.log.log_id)
    assert len(set(ids)) == 3
    for log in (site.log, site.restart()):
        assert [log.id_of(offset) for offset in range(9)] == [each for each in ids for _ in range(3)]
    site.close()


def test_a_copy_cut_short_while_it_takes_its_new_id_takes_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.log.append(rows(0, 3))
    old_id = site.log.log_id
    (site.data / "server_data.txt.lock").unlink()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("log.recovery._rewritten", _cut)
        site.restart()
    taken = identity.load(site.data)
    log = site.restart()
    assert taken is not None
    assert (taken.log_id, log.log_id) == (log.log_id, taken.log_id)
    assert log.append(rows(3, 1)) == 3
    assert [log.id_of(offset) for offset in range(4)] == [old_id] * 3 + [log.log_id]


def _cut(*_arguments: object) -> None:
    raise KeyboardInterrupt
