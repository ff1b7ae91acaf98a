"""`hydrolog log`: it explains every state of the log and changes none."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import log_
from cli.log_ import run
from common.errors import LogError
from common.settings import Settings
from log import mark
from log.file import FileLog
from log.mark import Mark
from log.roles import open_for
from log.segment import LogFile

ROW = "2024-08-26T16:{:02d}:00+09:00\t001\t8.02\t4.11\t60\t0000\t000"


@pytest.fixture
def chosen(settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = settings_for()
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(made.paths.data))
    return made


@pytest.fixture
def log(chosen: Settings) -> FileLog:
    log = open_for(chosen)
    assert isinstance(log, FileLog)
    log.append([ROW.format(minute) for minute in range(10)])
    return log


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def damage(log: FileLog, text: bytes) -> None:
    raw = log._state.path.read_bytes()
    log._state.path.write_bytes(raw.replace(text, text.replace(b"8", b"9")))


def test_a_sound_log_is_called_sound_and_is_not_touched(log: FileLog, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(log._state.data)
    assert run(["verify"]) == 0
    assert run(["groups"]) == 0
    assert run(["show"]) == 0
    said = capsys.readouterr().out
    assert "the log is sound" in said
    assert f"log {log.log_id}, base 0" in said
    assert "10, offsets 0 to 9" in said
    assert files(log._state.data) == before


def test_it_answers_while_a_process_holds_the_lock(log: FileLog) -> None:
    with log._state.lock.held():
        assert run(["verify"]) == 0


def test_rows_that_come_while_it_looks_are_not_called_lost(
    log: FileLog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look = log_._look_at_every_line

    def while_rows_come(file: LogFile) -> log_.LogReport:
        seen = look(file)
        log.append([ROW.format(minute) for minute in range(10, 14)])
        mark.store(log._state.data, Mark(28_000_000, 14, log.log_id))
        return seen

    monkeypatch.setattr(log_, "_look_at_every_line", while_rows_come)
    assert run(["verify"]) == 0
    assert "offsets 0 to 9" in capsys.readouterr().out


def test_damage_is_named_with_its_place(log: FileLog, capsys: pytest.CaptureFixture[str]) -> None:
    damage(log, b"16:08:00+09:00\t001\t8.02")
    with log._state.path.open("ab") as file:
        file.write(b"\x1b[2J half a row")
    assert run(["verify"]) == 1
    said = capsys.readouterr().out
    assert "DAMAGED   line at byte" in said
    assert "16:09:00" not in said or "9.02" in said
    assert "holes     1 offsets" in said
    assert "tail      15 bytes" in said
    assert "\x1b" not in said
    run(["show", "7", "-n", "3"])
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == ["7", "damaged", "9"]


def test_a_damaged_header_and_a_lost_end_are_findings(log: FileLog, capsys: pytest.CaptureFixture[str]) -> None:
    mark.store(log._state.data, Mark(28_000_000, 15, log.log_id))
    raw = bytearray(log._state.path.read_bytes())
    raw[20] ^= 1
    log._state.path.write_bytes(raw)
    assert run(["verify"]) == 1
    said = capsys.readouterr().out
    assert "header    DAMAGED" in said
    assert "up to 15, the file ends at 10" in said


def test_the_group_that_holds_the_file_is_named(log: FileLog, capsys: pytest.CaptureFixture[str]) -> None:
    for name, end in (("archive", 10), ("server", 4), ("guest", 2)):
        group = log.group(name)
        group.poll(end)
        group.commit(end)
    assert run(["groups"]) == 0
    said = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "holds the file" in said["server"]
    assert said["server"].split()[1:3] == ["4", "6"]
    assert "holds" not in said["archive"]
    assert "not in log.groups" in said["guest"]


def test_no_log_is_said_in_words(chosen: Settings) -> None:
    with pytest.raises(LogError, match=r"server_data\.txt: No such file"):
        run(["verify"])
    assert os.listdir(chosen.paths.data) == []  # noqa: PTH208
