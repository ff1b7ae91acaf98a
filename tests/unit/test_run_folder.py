"""The folder in memory: found by whoever knows the data folder, mixed up with no other, absent without a service."""

import itertools
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.line_watch import LineWatch
from cli.support import _texts
from common import health, run_folder
from common.folder import HEALTH_FOLDER
from common.settings import load

NOW = datetime(2024, 8, 26, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instead of /run."""
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setattr(run_folder, "RUN", folder)
    monkeypatch.delenv(run_folder.VARIABLE, raising=False)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def service(run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = run / "hydrolog"
    folder.mkdir()
    monkeypatch.setenv(run_folder.VARIABLE, str(folder))
    return folder


def test_without_a_service_it_is_the_data_folder(run: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder.make(data)
    assert run_folder.of(data) == data
    assert run_folder.of(data / "missing") == data / "missing"
    elsewhere = run.with_name("elsewhere") / "hydrolog"  # nobody who types a command would look there
    elsewhere.mkdir(parents=True)
    for other in (str(elsewhere), str(run / "postgresql"), f"{run}/hydrolog:{run}/more", ""):
        monkeypatch.setenv(run_folder.VARIABLE, other)
        run_folder.make(data)
        assert (run_folder.of(data), [*run.iterdir(), *elsewhere.iterdir()]) == (data, [])


def test_whoever_knows_the_data_folder_finds_it(data: Path, service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder.make(data)
    monkeypatch.delenv(run_folder.VARIABLE)  # a command, typed by a person
    found = run_folder.of(data)
    assert found.parent == service
    assert not found.stat().st_mode & 0o007
    link = data.with_name("link")
    link.symlink_to(data)
    assert run_folder.of(link) == found


def test_two_installations_do_not_meet(tmp_path: Path, run: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for folder, name in ((data, "hydrolog"), (other, "hydrolog-2")):
        (run / name).mkdir()
        monkeypatch.setenv(run_folder.VARIABLE, str(run / name))
        run_folder.make(folder)
    assert run_folder.of(data).parent == run / "hydrolog"
    assert run_folder.of(other).parent == run / "hydrolog-2"
    assert run_folder.of(tmp_path) == tmp_path


def test_what_another_user_made_is_not_used(data: Path, service: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder.make(data)
    made = run_folder.of(data)
    real = Path.lstat

    def owned_by_another(path: Path) -> os.stat_result:
        found = real(path)
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:10])) if path == made else found

    monkeypatch.setattr(Path, "lstat", owned_by_another)
    assert run_folder.of(data) == data
    monkeypatch.undo()
    made.rmdir()
    made.symlink_to(data)
    monkeypatch.setattr(run_folder, "RUN", service.parent)
    assert run_folder.of(data) == data


def test_health_goes_there_and_old_files_are_forgotten(data: Path, service: Path) -> None:
    before = health.Health(data, "producer", NOW)
    before.success(NOW, 0.0)  # by a version that knew no such folder
    assert (data / HEALTH_FOLDER / "producer.json").exists()
    run_folder.make(data)
    assert health.load_all(data) == {}
    assert list(data.iterdir()) == []
    health.Health(data, "producer", NOW).success(NOW, 0.0)
    assert set(health.load_all(data)) == {"producer"}
    assert list(data.iterdir()) == []
    health.forget(data, "producer")
    assert health.load_all(data) == {}


def test_after_a_boot_nothing_is_left(data: Path, service: Path) -> None:
    run_folder.make(data)
    state = health.Health(data, "producer", NOW)
    state.success(NOW, 0.0)
    folder = run_folder.of(data)
    for path in (folder / HEALTH_FOLDER / "producer.json", folder / HEALTH_FOLDER, folder, service):
        path.rmdir() if path.is_dir() else path.unlink()
    assert health.load_all(data) == {}
    state.success(NOW, 9.0)  # a process that outlives its folder goes on
    assert run_folder.of(data) == data


def test_commands_look_there_too(data: Path, service: Path) -> None:
    """`line test` beside the service, and the bundle for the support."""
    run_folder.make(data)
    producer = health.Health(data, "producer", NOW)
    settings = load(None, {"HYDROLOG_PATHS__DATA": str(data)})
    watch = LineWatch(settings, os.getpid())
    for at_ns in (1, 2):
        producer.write(float(at_ns))
        os.utime(health.folder(data) / "producer.json", ns=(at_ns, at_ns))
        watch.look()
    assert "hangs" not in watch.conclusion(60.0)
    names = [
        name for name, _ in itertools.takewhile(lambda text: text[0] != "tables.txt", _texts(settings, None, set()))
    ]
    assert "health/producer.json" in names
