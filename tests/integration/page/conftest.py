"""A browser, a server with something to show, and a visit to its page."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import ARGUMENTS
from page_site import HOSTILE, NOW, Visit, fill, write_files
from receiver_process import ReceiverProcess

from common.clock import minute_of
from log import commits, mark


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="the development extras are not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium on PATH; apt-get install chromium")
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[ReceiverProcess]:
    fill(database_url)
    data = tmp_path / "data"
    (data / "groups").mkdir(parents=True)
    (data / "health").mkdir()
    mark.store(data, mark.Mark(minute_of(NOW) - 1, 1000, "log"))
    commits.CommitFile(data, "archive", 1000)
    commits.CommitFile(data, "server", 973)
    health = {"role": "forecaster", "pid": 0, "problem": HOSTILE, "problem_since": NOW.isoformat(), "counters": {}}
    (data / "health" / "forecaster.json").write_text(json.dumps(health))
    write_files(data)
    process = ReceiverProcess(data, database_url, HYDROLOG_CLOCK=f"1 {time.time()!r} {NOW.timestamp()!r}")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def visit(browser: Any, server: ReceiverProcess) -> Iterator[Visit]:
    visited = Visit(browser, server, viewport={"width": 1400, "height": 1400}, timezone_id="America/New_York")
    yield visited
    visited.page.close()
