"""The real producer on a disk that is full or answers EIO, and is killed before the disk is well again."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from meter import Cable, RunningProducer, closed
from waiting import wait_for

Start = Callable[..., RunningProducer]
INJECTOR = Path(__file__).parents[3] / "bench" / "disk_faults"


@pytest.fixture
def start(cable: Cable) -> Iterator[Start]:
    started: list[RunningProducer] = []

    def run(data: Path, **environ: str) -> RunningProducer:
        started.append(RunningProducer(data, cable.link, **environ))
        started[-1].said("port_open")
        return started[-1]

    yield run
    for producer in started:
        if producer.process.poll() is None:
            producer.stop()


@pytest.mark.parametrize("trouble", ["full 1", "sync 1"])
def test_a_kill_while_the_disk_takes_no_rows_loses_no_minute(
    cable: Cable, start: Start, tmp_path: Path, trouble: str
) -> None:
    data, control = (tmp_path / "data").resolve(), tmp_path / "disk-fault"
    environ = {"PYTHONPATH": str(INJECTOR), "SOAK_DISK": str(control)}
    start_s = (int(time.time() // 60) - 10) * 60
    first = start(data, **environ)
    cable.read("001", range(start_s, start_s + 90))
    closed(data, start_s // 60)

    control.write_text(f"{data} {trouble}\n")
    cable.read("001", range(start_s + 90, start_s + 150))
    wait_for(lambda: first.health()["problem"], "the disk's first problem")
    cable.read("001", range(start_s + 150, start_s + 270))
    wait_for(lambda: "rows wait in memory" in first.health()["problem"], "the problem in the health file")
    # The last half minute is open, or on a busy machine closed by the silence since then, and waits as a row.
    kept = (f'"{start_s // 60 + 4}": {{"001": [240.0, 30', "\\t8\\t4\\t30\\t")
    wait_for(lambda: any(text in first.open_minute() for text in kept), "what waits to be kept")
    first.stop(signal.SIGKILL)
    control.unlink()

    start(data, **environ)
    found = closed(data, start_s // 60 + 3)
    assert [(row.minute - start_s // 60, row.samples) for row in found][:4] == [(0, 60), (1, 60), (2, 60), (3, 60)]
