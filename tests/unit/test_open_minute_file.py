"""`open_minute.json`: one of two places, the newest wins, and if one place refuses the other takes it."""

from pathlib import Path

import pytest

from common import files, run_folder
from common.state_file import StateUnusable
from producer.open_minute import OpenMinuteFile


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(run_folder, "of", lambda _data: folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def names(*folders: Path) -> list[list[str]]:
    return [[path.name for path in folder.iterdir()] for folder in folders]


def test_it_is_at_one_place_and_the_last_word_counts(data: Path, memory: Path) -> None:
    kept = OpenMinuteFile(data)
    assert kept.load() is None
    for on_disk, found in ((False, [[], ["open_minute.json"]]), (True, [["open_minute.json"], []])):
        kept.store(b'{"open": %d}' % on_disk, on_disk=on_disk)
        assert names(data, memory) == found
        assert OpenMinuteFile(data).load() == {"open": int(on_disk)}
    kept.store(b'{"open": 7}', on_disk=False)
    assert OpenMinuteFile(data).load() == {"open": 7}


@pytest.mark.parametrize("on_disk", [False, True])
def test_where_one_place_refuses_the_other_takes_it(
    data: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, on_disk: bool
) -> None:
    kept, refuses, real = OpenMinuteFile(data), data if on_disk else memory, files.replace
    kept.store(b'{"open": 1}', on_disk=on_disk)

    def replace(path: Path, content: bytes, *, durable: bool) -> None:
        if path.parent == refuses:
            raise OSError(28, "No space left on device")
        real(path, content, durable=durable)

    monkeypatch.setattr(files, "replace", replace)
    kept.store(b'{"open": 2}', on_disk=on_disk)
    assert OpenMinuteFile(data).load() == {"open": 2}
    monkeypatch.setattr(run_folder, "of", lambda folder: folder)
    with pytest.raises(OSError, match="No space"):  # without a folder in memory there is no other place
        OpenMinuteFile(refuses).store(b"{}", on_disk=on_disk)


def test_a_damaged_one_is_said(data: Path, memory: Path) -> None:
    (memory / "open_minute.json").write_bytes(b"{")
    with pytest.raises(StateUnusable):
        OpenMinuteFile(data).load()
