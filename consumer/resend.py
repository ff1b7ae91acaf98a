"""Sends rows again, refused ones or those of a time span, with their original keys.

The receiver drops rows that it has, so sending too much does no harm.
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from common.clock import Clock, minute_of
from common.database import note, statement
from common.errors import DatabaseDown, NotDelivered
from common.row import Row, format_number, format_payload
from common.settings import Settings
from consumer import batch
from consumer.answers import Kind
from consumer.batch import OutgoingBatch, Prediction, SendSchedule, Waiting
from consumer.carrier import Carrier
from consumer.forecasts import DECIMALS

TRIES = 5  # a person waits for the command; only the processes never give up
FETCH_ROWS = 2000

_SCHEDULE = SendSchedule(batch.BATCH_MINUTES, 0.0, 0.0)


@dataclass
class ResendOutcome:
    rows: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)  # offset, the server's answer


class Resender:
    """Sends batches at once, one after the other."""

    def __init__(self, carrier: Carrier, clock: Clock) -> None:
        self._carrier = carrier
        self._clock = clock
        self.outcome = ResendOutcome()

    def deliver(self, parcel: OutgoingBatch) -> bool:
        """Send a batch, halved if the server refuses it; False if one of its rows was refused.

        Raises:
            NotDelivered: the server accepts nothing at the moment.
        """
        for tries in range(1, TRIES + 1):
            verdict = self._carrier.carry(parcel, self._clock.now(), lambda: None)
            if verdict.kind is not Kind.RETRY or tries == TRIES:
                break
            self._clock.wait(verdict.wait_s(tries), threading.Event())
        if verdict.kind is Kind.DELIVERED:
            self.outcome.rows += len(parcel.lines)
            return True
        if verdict.kind is not Kind.HALVE:
            raise NotDelivered(verdict.problem, {})
        if len(parcel.lines) == 1:
            self.outcome.refused.append((parcel.first, verdict.problem))
            return False
        half = parcel.head(len(parcel.lines) // 2)
        rest = parcel.after(half.last)
        assert rest is not None
        first, second = self.deliver(half), self.deliver(rest)
        return first and second


def parcels_of_span(
    connection: psycopg.Connection[Any], settings: Settings, start: datetime, end: datetime
) -> Iterator[OutgoingBatch]:
    """The rows from `start` to before `end` that came through the log, in the original batches.

    Raises:
        DatabaseDown: the database went away.
    """
    try:
        with connection.cursor("resend", withhold=True) as cursor:
            cursor.itersize = FETCH_ROWS
            span = {"site": settings.site.id, "from": start, "to": end, "not_sent": [*settings.not_sent]}
            cursor.execute(statement("resend_rows").encode(), span)
            connection.commit()  # the cursor survives it, so no transaction stays open while the server answers
            yield from _parcels(cursor, settings.site.id, settings.site.zone, end)
    except psycopg.Error as error:
        note("rows_not_read", error)
        raise DatabaseDown(f"the database cannot return the rows ({type(error).__name__})") from error


def _parcels(rows: Iterable[tuple[Any, ...]], site: str, zone: ZoneInfo, end: datetime) -> Iterator[OutgoingBatch]:
    log_id = ""
    waiting: list[Waiting] = []
    predicted: list[Prediction] = []
    all_due = end + timedelta(hours=1)

    def cut(count: int) -> OutgoingBatch:
        own = {(row.sensor, row.minute): found for row, found in zip(waiting[:count], predicted, strict=False)}
        parcel = batch.parcel(site, log_id, waiting[:count], lambda *key: own.get(key))
        del waiting[:count], predicted[:count]
        return parcel

    for row_log_id, offset, sensor, time, *values, pred_flow, pred_pressure in rows:
        if row_log_id != log_id and waiting:
            yield cut(len(waiting))
        log_id = row_log_id
        row = Row(minute_of(time), sensor, *values)
        waiting.append(Waiting(offset, row.minute, sensor, format_payload(row, zone)))
        predicted.append((_text(pred_flow), _text(pred_pressure)))
        if (count := batch.take(waiting, _SCHEDULE, all_due)) < len(waiting):
            yield cut(count)
    if waiting:
        yield cut(len(waiting))


def _text(prediction: float | None) -> str:
    return format_number(prediction, DECIMALS) or "0"
