"""Sends messages to a topic of a Kafka cluster, and waits until every one is safe there. Loads the Kafka library.

A client that failed is thrown away, and the same bytes are sent again by a new one: so a message may lie there twice,
and the row's own name in it tells.
"""

import threading
import time
from collections.abc import Sequence

from common.kafka_producer import KafkaProducer, NotSafe, Sending
from common.kafka_rows import Keyed
from common.settings import KafkaSettings

LOOK_S = 0.05  # how often a wait checks the stop event
CLIENT_S = 600.0  # then a new client: it reads renewed certificates, and learns of a topic that was made anew


class KafkaSender:
    """One client; one caller at a time."""

    def __init__(self, url: str, kafka: KafkaSettings, timeout_s: float, stop: threading.Event) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        self._url, self._kafka, self._timeout_s, self._stop = url, kafka, timeout_s, stop
        self._producer: KafkaProducer | None = self._new()

    def send(self, messages: Sequence[Keyed]) -> NotSafe | None:
        """Send all, in this order; None = every one is safe."""
        if self._producer is None or self._producer.age_s > CLIENT_S:
            self._producer = self._new()
        failed = self._send(self._producer, messages)
        if failed is not None:
            self.close()
        return failed

    def close(self) -> None:
        """Forget what is under way; the next `send` opens a new client."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def _new(self) -> KafkaProducer:
        return KafkaProducer(self._url, self._kafka, self._timeout_s)

    def _send(self, producer: KafkaProducer, messages: Sequence[Keyed]) -> NotSafe | None:
        ended: list[Sending] = []
        producer.put(messages, ended.append)
        give_up_s = time.monotonic() + self._timeout_s + 1.0  # after the client's own
        while not ended and time.monotonic() < give_up_s:
            if self._stop.is_set():
                return NotSafe("this process was asked to stop")
            producer.flush(LOOK_S)  # nothing comes that these messages could wait for
        if ended and not ended[0].errors:
            return None
        return producer.explain(ended[0].errors if ended else [])
