"""A file that somebody has put into the data folder, whatever its name, costs neither the backup nor its return."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from cli import backup
from cli.backup_file import FORMAT, BackupWriter, Manifest, members, verify

OF_KOREAN_WINDOWS = os.fsdecode("작업.txt".encode("cp949"))
FOLDER = "criteria"


def backed_up(tmp_path: Path, name: str) -> list[str]:
    data, file = tmp_path / "data", tmp_path / "box.hydrolog"
    (data / FOLDER).mkdir(parents=True)
    for each in (name, "school.txt"):
        (data / FOLDER / each).write_text("x")
    with file.open("wb") as target, closing(BackupWriter(target, file, data)) as writer:
        for path in backup._files(data, after=False):
            backup._add(writer, data, path)
        writer.finish(Manifest(FORMAT, "0", "", "demo"))
    verify(file)
    return [member.removeprefix(f"data/{FOLDER}/") for member, _ in members(file) if member.startswith("data/")]


@pytest.mark.parametrize("name", ["작업 사본.txt", OF_KOREAN_WINDOWS, "\u202etxt.", "-rf", "a\\b"])
def test_a_name_in_any_encoding_comes_along(tmp_path: Path, name: str) -> None:
    assert sorted(backed_up(tmp_path, name)) == sorted([name, "school.txt"])


def test_a_name_with_a_line_break_is_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert backed_up(tmp_path, "a\nb.txt") == ["school.txt"]
    assert "left out: 'criteria/a\\nb.txt'" in capsys.readouterr().out
