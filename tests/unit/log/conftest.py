"""The log's tests share one kind of site."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """On a file system in memory where there is one: these tests sync a thousand times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        here = Site(Path(folder) / "data")
        yield here
        here.close()
