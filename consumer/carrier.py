"""What takes a batch away: an HTTP server or a Kafka cluster, as `server.url` says. The rows are safe there, or not."""

import threading
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from common.errors import SettingsError
from common.kafka_client import KAFKA, NO_CLIENT
from common.settings import SERVER_TOKEN, Settings
from common.token_file import read_token
from common.web_address import address_of
from consumer import answers
from consumer.answers import DeliveryOutcome, Kind
from consumer.batch import OutgoingBatch
from consumer.closed import MarkOf
from consumer.post import Poster, without


class Carrier(Protocol):
    """Tries once, within `server.timeout_seconds`; who calls it decides when to try again."""

    def carry(self, batch: OutgoingBatch, now: datetime, mark_of: MarkOf) -> DeliveryOutcome:
        """Take a batch away, the same bytes each time, and its mark."""

    def close(self) -> None: ...


class HttpCarrier:
    """Posts batches to `server.url`."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        """Check the settings; nothing is opened yet.

        Raises:
            SettingsError: no token, or the address cannot be used.
        """
        self._server = settings.server
        self._token = self._read_token()
        self._poster = Poster(address_of("server", settings.server), settings.server.timeout_seconds, stop)
        self._refused = False

    def carry(self, batch: OutgoingBatch, now: datetime, mark_of: MarkOf) -> DeliveryOutcome:
        if self._refused:
            self._token = self._read_token()  # a person may have replaced it in the file
        answer = self._poster.post(batch.body, batch.key, self._token, mark_of())
        rows, receipt = len(batch.lines), self._server.receipt
        outcome = answers.judge(answer, now, rows, receipt)
        self._refused = outcome.kind is Kind.SLOW
        kept = without(self._token, answer)
        told = answers.judge(kept, now, rows, receipt)
        if outcome.problem and told.kind is outcome.kind:
            outcome = replace(outcome, problem=told.problem)
        elif outcome.problem:
            outcome = replace(outcome, problem=answers.NO_RECEIPT.format(status=answer.status))
        return replace(outcome, answer=kept, said=answer.body)

    def close(self) -> None:
        pass

    def _read_token(self) -> str:
        return read_token(SERVER_TOKEN, self._server.token_file, "server.token_file")


def carrier_for(settings: Settings, stop: threading.Event) -> Carrier:
    """The carrier that `server.url` names.

    Raises:
        SettingsError: it is empty, or something that it needs is missing or wrong.
    """
    if not settings.server.url:
        raise SettingsError("server.url", "is empty; name the address for batches")
    if settings.server.url.startswith(KAFKA):
        try:
            from consumer.kafka_delivery import KafkaCarrier  # noqa: PLC0415 - only a site with a cluster has its client
        except ImportError as error:
            raise SettingsError("server.url", NO_CLIENT) from error
        return KafkaCarrier(settings, stop)
    return HttpCarrier(settings, stop)
