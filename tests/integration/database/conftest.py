"""Data folders for the embedded Postgres; none of its processes is left there."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from database_site import copied, left_over

from postgres import server


@pytest.fixture(params=["plain", '새 폴더, "q" 100%\'s;', "가" * 80])
def data(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder: one as an administrator makes it, one as a Korean desktop names it, one too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="hydrolog-", ignore_cleanup_errors=True) as name:
        yield Path(name) / request.param
        assert left_over(Path(name) / request.param) == []


@pytest.fixture
def plain() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hydrolog-", ignore_cleanup_errors=True) as name:
        yield Path(name) / "data"
        assert left_over(Path(name) / "data") == []


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder whose database has been made: making it takes longer than most of what is tried on it."""
    with tempfile.TemporaryDirectory(prefix="hydrolog-", ignore_cleanup_errors=True) as name:
        with server.running(Path(name) / "data", "site-1"):
            pass
        yield Path(name) / "data"


@pytest.fixture
def existing(made: Path, plain: Path) -> Path:
    return copied(made, plain)
