"""A box of their own for the tests of the commands: settings, data folder, database."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure
from incident_site import RAISED, file, leak

from common.clock import minute_start


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Configure:
    """Writes a settings file on a data folder of the test's own."""

    def write(**sections: str) -> Path:
        text = f'[paths]\ndata = "data"\n[database]\nurl = "{database_url}"\n'
        text += "".join(f"[{name}]\n{body}\n" for name, body in sections.items())
        (tmp_path / "data").mkdir(exist_ok=True)
        path = tmp_path / "hydrolog.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as made:
        yield made


@pytest.fixture
def site(config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box with a leak, at the site's time of half an hour after it was told."""
    monkeypatch.setenv("HYDROLOG_CLOCK", f"1.0 {time.time()!r} {minute_start(RAISED + 30).timestamp()!r}")
    path = config(site='timezone = "Asia/Seoul"')
    file(tmp_path / "data", leak())
    return path
