"""Ships batches to a Kafka cluster: each row a message, then a mark. Key = site, so a site's order holds."""

import threading
from datetime import datetime

from common.batch_mark import BatchMark
from common.kafka_rows import Keyed, mark_message, row_messages
from common.kafka_sender import KafkaSender
from common.settings import Settings
from consumer.answers import DeliveryOutcome, Kind
from consumer.batch import OutgoingBatch
from consumer.closed import MarkOf


class KafkaCarrier:
    """See `consumer.carrier.Carrier`."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        """Check the settings; nothing is reached yet.

        Raises:
            SettingsError: the client does not take them.
        """
        server = settings.server
        self._sender = KafkaSender(server.url, settings.kafka, server.timeout_seconds, stop)

    def carry(self, batch: OutgoingBatch, now: datetime, mark_of: MarkOf) -> DeliveryOutcome:
        failed = self._sender.send(messages(batch, mark_of()))
        if failed is None:
            return DeliveryOutcome(Kind.DELIVERED)
        return DeliveryOutcome(Kind.SLOW if failed.by_person else Kind.RETRY, failed.problem)

    def close(self) -> None:
        self._sender.close()


def messages(batch: OutgoingBatch, mark: BatchMark | None) -> list[Keyed]:
    """The messages of a batch, in order."""
    found = row_messages(batch.site, batch.log_id, (line.text.encode() for line in batch.lines))
    if mark is not None:
        found.append(mark_message(batch.site, batch.log_id, batch.last + 1, mark))
    return found
