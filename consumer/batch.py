"""The content of a batch: which rows, how many, in what form. Pure: rows, mark and time in, a batch out.

A row is due when its window is over: the `every` minutes by the clock (16:30 to 16:39) that contain its minute. One
batch holds the rows of one window, at most ten minutes, in the order of their offsets. So after an outage the batches
are the same as without it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from common.clock import minute_of
from common.row import parse_payload, parse_time
from log.format import Record

BATCH_MINUTES = 10  # most minutes in a batch, however long an outage was
BODY_BYTES = 1024 * 1024  # the receiver refuses more
BATCH_ROWS = 10_000  # ten minutes of a thousand sensors: bounds the memory of a batch

Prediction = tuple[str, str]  # forecast of flow (m3/h) and pressure (bar), as text
NO_PREDICTION: Prediction = ("0", "0")
ForecastOf = Callable[[str, int], Prediction | None]  # sensor, minute of the hour's start -> its own forecast


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the log that was not sent yet."""

    offset: int
    minute: int
    sensor: str
    payload: str

    @property
    def on_the_hour(self) -> bool:
        """Whether this is a row HH:00 in local time: in India hours begin at UTC half hours."""
        return self.payload[13:16] == ":00"


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A row as it is sent: `text` never changes after the first attempt."""

    offset: int
    text: str

    @property
    def minute(self) -> int:
        return parse_time(self.text.split("\t", 2)[1])


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """Rows of one log in the order of their offsets, sent in one POST."""

    site: str
    log_id: str
    lines: tuple[BatchLine, ...]

    @property
    def first(self) -> int:
        return self.lines[0].offset

    @property
    def last(self) -> int:
        return self.lines[-1].offset

    @property
    def key(self) -> str:
        """The Idempotency-Key, which identifies the log and its rows."""
        return f"{self.site}/{self.log_id}/{self.first}-{self.last}"

    @property
    def body(self) -> bytes:
        return "".join(f"{line.text}\n" for line in self.lines).encode()

    def head(self, count: int) -> "OutgoingBatch":
        return OutgoingBatch(self.site, self.log_id, self.lines[:count])

    def after(self, offset: int) -> "OutgoingBatch | None":
        """The rows after `offset`; None if there are none."""
        lines = tuple(line for line in self.lines if line.offset > offset)
        return OutgoingBatch(self.site, self.log_id, lines) if lines else None


@dataclass(frozen=True, slots=True)
class SendSchedule:
    """When rows are due. `settle_s` is how long to wait for a window's last rows if the mark does not cover them;
    `moment_s` how long each window waits after its end: see `moment_of`."""

    every_minutes: int
    settle_s: float
    forecast_wait_s: float
    moment_s: float = 0.0

    @property
    def window(self) -> int:
        """Minutes of one batch."""
        return min(self.every_minutes, BATCH_MINUTES)

    def boundary(self, now: datetime) -> int:
        """The minute at which the last window ended whose rows may be sent."""
        return minute_of(now - timedelta(seconds=self.moment_s)) // self.every_minutes * self.every_minutes

    def held_back(self, minute: int, now: datetime) -> bool:
        """Whether a row's window is still open.

        A row beyond the next window was written while the clock was wrong: it is not held back.
        """
        boundary = self.boundary(now)
        return boundary <= minute < boundary + 2 * self.every_minutes


def moment_of(site: str, spread_s: int, every_minutes: int) -> float:
    """Seconds after a window's end at which a site sends it: always the same, and the sites' are spread evenly. Less
    than half a window, so that no batch waits for the next one."""
    spread_s = min(spread_s, every_minutes * 60 // 2)
    return crc32(site.encode()) % spread_s if spread_s else 0.0


def waiting(record: Record) -> Waiting:
    """A record of the log as a row to send.

    Raises:
        RowRefused: the payload is not a row.
    """
    row = parse_payload(record.payload)
    return Waiting(record.offset, row.minute, row.sensor, record.payload)


def take(rows: Sequence[Waiting], schedule: SendSchedule, now: datetime) -> int:
    """The number of first `rows` in the next batch; 0 if the first one is not due.

    If this equals len(rows), later rows may belong to the same batch: poll again.
    """
    if not rows:
        return 0
    window = rows[0].minute // schedule.window
    size = 0
    for count, row in enumerate(rows):
        size += len(row.payload) + _LONGEST_REST
        if (
            row.minute // schedule.window != window
            or schedule.held_back(row.minute, now)
            or count >= BATCH_ROWS
            or (size > BODY_BYTES and count)
        ):
            return count
    return len(rows)


_LONGEST_REST = 60  # bytes besides the payload: offset, two forecasts, tabs and the line break


def complete(minute: int, schedule: SendSchedule, now: datetime, closed_through: int | None) -> bool:
    """Whether the window of `minute` is complete: the producer's mark covers it, or enough time has passed.

    The mark must be read before the log.
    """
    end = min((minute // schedule.window + 1) * schedule.window, schedule.boundary(now))
    if closed_through is not None and closed_through >= end - 1:
        return True
    return now.timestamp() >= end * 60 + schedule.settle_s


def awaits_forecast(rows: Sequence[Waiting], forecasts: ForecastOf, schedule: SendSchedule, now: datetime) -> bool:
    """Whether a row on the hour still lacks its forecast and the forecaster may still be working."""
    return any(
        row.on_the_hour
        and now.timestamp() < row.minute * 60 + schedule.forecast_wait_s
        and forecasts(row.sensor, row.minute) is None
        for row in rows
    )


def line(row: Waiting, forecasts: ForecastOf) -> BatchLine:
    """The row as it is sent: on the hour with the hour's forecast, otherwise with 0 0."""
    found = forecasts(row.sensor, row.minute) if row.on_the_hour else None
    flow, pressure = found or NO_PREDICTION
    return BatchLine(row.offset, f"{row.offset}\t{row.payload}\t{flow}\t{pressure}")


def parcel(site: str, log_id: str, rows: Sequence[Waiting], forecasts: ForecastOf) -> OutgoingBatch:
    return OutgoingBatch(site, log_id, tuple(line(row, forecasts) for row in rows))
