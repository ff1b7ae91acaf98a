"""The real producer as a service with a folder in memory: what it replaces each second does not touch the disk."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from meter import Cable, RunningProducer, closed
from waiting import wait_for

from common import run_folder
from common.folder import HEALTH_FOLDER, OPEN_MINUTE_FILE

PATCH = "import os, pathlib\nfrom common import run_folder\nrun_folder.RUN = pathlib.Path(os.environ['TEST_RUN'])\n"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A service's environment, with another folder instead of /run."""
    run, patch = tmp_path / "run", tmp_path / "patch"
    (run / "hydrolog").mkdir(parents=True)
    patch.mkdir()
    (patch / "sitecustomize.py").write_text(PATCH)
    monkeypatch.setattr(run_folder, "RUN", run)
    path = ":".join(filter(None, (str(patch), os.environ.get("PYTHONPATH", ""))))
    return {"TEST_RUN": str(run), "RUNTIME_DIRECTORY": str(run / "hydrolog"), "PYTHONPATH": path}


def kept(folder: Path) -> str:
    path = folder / OPEN_MINUTE_FILE
    return path.read_text() if path.exists() else ""


def test_a_kill_loses_no_reading_and_a_stop_brings_them_to_the_disk(
    cable: Cable, environ: dict[str, str], tmp_path: Path
) -> None:
    data, start_s = tmp_path / "data", (int(time.time() // 60) - 10) * 60
    first = RunningProducer(data, cable.link, **environ)
    first.said("port_open")
    memory = run_folder.of(data)
    assert memory != data
    cable.read("001", range(start_s, start_s + 20))
    wait_for(lambda: '"001": [160.0, 20' in kept(memory), "the open minute")
    wait_for((memory / HEALTH_FOLDER / "producer.json").exists, "the health file")
    assert not (data / HEALTH_FOLDER).exists()
    assert kept(data) == ""
    first.stop(signal.SIGKILL)

    second = RunningProducer(data, cable.link, **environ)
    second.said("open_minute_restored readings=20")
    cable.read("001", range(start_s + 20, start_s + 40))
    wait_for(lambda: '"001": [320.0, 40' in kept(memory), "the open minute")
    assert second.stop() == 0
    assert kept(memory) == ""
    assert '"001": [320.0, 40' in kept(data)
    assert json.loads((memory / HEALTH_FOLDER / "producer.json").read_text())["pid"] == second.process.pid

    third = RunningProducer(data, cable.link, **environ)
    third.said("open_minute_restored readings=40")
    cable.read("001", range(start_s + 40, start_s + 81))
    assert [row.samples for row in closed(data, start_s // 60)] == [60]
    wait_for(lambda: not (data / OPEN_MINUTE_FILE).exists(), "the old file to be removed from the disk")
    third.stop(signal.SIGKILL)
