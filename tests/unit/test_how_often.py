"""How often a consumer steps: a center's archive at once, since its step waits for the cluster's messages."""

from typing import Any

import pytest

from common import runner
from common.settings import load
from consumer import __main__ as consumer


@pytest.mark.parametrize(
    ("group", "url", "tick_s"),
    [("archive", "kafka://a.example:9092/rows", 0), ("archive", "file", 1), ("server", "file", 1)],
)
def test_a_centers_archive_waits_for_messages_only(
    group: str, url: str, tick_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[int] = []

    def run(*_: Any, tick_s: Any) -> int:
        said.append(tick_s(load(None, {"HYDROLOG_LOG__URL": url})))
        return 0

    monkeypatch.setattr(runner, "run", run)
    monkeypatch.setattr(consumer, "leave_on_signals", lambda: None)
    consumer.main(["--group", group])
    assert said == [tick_s]
