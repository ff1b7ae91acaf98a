"""A producer of the test's own, and a minute to send it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from line_site import Start
from meter import Cable, RunningProducer


@pytest.fixture
def running() -> Iterator[list[RunningProducer]]:
    """Producers of a test, stopped behind it."""
    started: list[RunningProducer] = []
    yield started
    for producer in started:
        if producer.process.poll() is None:
            producer.stop()


@pytest.fixture
def start(tmp_path: Path, cable: Cable, running: list[RunningProducer]) -> Start:
    def run(data: str = "data", **environ: str) -> RunningProducer:
        running.append(RunningProducer(tmp_path / data, cable.link, **environ))
        running[-1].said("port_open" if data == "data" else "port_closed")
        return running[-1]

    return run


@pytest.fixture
def minute() -> int:
    """A minute that is over, so that nobody waits for a clock; its own readings are believed all the same."""
    return int(time.time() // 60) - 10
