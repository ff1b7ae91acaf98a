"""A receiver of the test's own, which must never say its token."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from receiver_process import TOKEN, ReceiverProcess


@pytest.fixture
def receiver(tmp_path: Path, database_url: str) -> Iterator[ReceiverProcess]:
    process = ReceiverProcess(tmp_path / "data", database_url)
    process.start()
    yield process
    process.kill()
    assert TOKEN not in process.output.read_text()
