"""What a box ships: a batch goes at once, since nothing comes that it could wait for."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from common import kafka_producer
from common.kafka_sender import KafkaSender
from common.settings import load


class Gathering:
    """The library's client: it sends when it is told to, or when more has come, and nothing more comes here."""

    def __init__(self, _settings: object) -> None:
        self.waiting: list[Callable[[Any, Any], None]] = []

    def produce(self, _topic: str, _value: bytes, _key: bytes, on_delivery: Callable[[Any, Any], None]) -> None:
        self.waiting.append(on_delivery)

    def poll(self, _most_s: float) -> None:
        pytest.fail("it waits for company")

    def flush(self, _most_s: float) -> None:
        waiting, self.waiting = self.waiting, []
        for tell in waiting:
            tell(None, SimpleNamespace(partition=lambda: 0))

    def purge(self) -> None:
        pass


def test_a_batch_does_not_wait_for_company(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_producer, "Producer", Gathering)
    sender = KafkaSender("kafka://a.example:9092/rows", load(None, {}).kafka, 5.0, threading.Event())
    assert sender.send([(b"site-1", b"a row"), (b"site-1", b"another")]) is None
    sender.close()
