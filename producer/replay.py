"""Recorded minutes as the producer's line, without a port, for replays at full speed."""

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from common.clock import minute_of, minute_start
from common.runner import Context
from producer.ascii import encode
from producer.line import Restarted, SerialLine
from producer.recording import Recording, local_minute
from producer.step import Producer

PORTION_MIN = 360  # minutes of frames per step: their rows are one append; frames may be up to a day old
_EPOCH = datetime(1970, 1, 1)


class ReplayedLine(SerialLine):
    """Returns the given bytes; then it is silent."""

    def __init__(self) -> None:
        super().__init__("", 9600, threading.Event())
        self.state = "replay"
        self.waiting = b""

    @property
    def silent_s(self) -> float:
        """No more bytes will come, so the clock may close minutes."""
        return 1e6

    def read(self, listener: Restarted) -> bytes:
        chunk, self.waiting = self.waiting, b""
        return chunk


class ReplayedProducer(Producer):
    """The real producer on a replayed line."""

    def __init__(self, context: Context, line: ReplayedLine) -> None:
        super().__init__(context)
        self._line = line


def span(recordings: Mapping[str, Recording], zone: ZoneInfo) -> tuple[int, int]:
    """The UTC minutes of the earliest first row and of the latest end of all recordings."""

    def utc(wall_minute: int) -> int:
        return minute_of((_EPOCH + timedelta(minutes=wall_minute)).replace(tzinfo=zone))

    return (
        utc(min(recording.first for recording in recordings.values())),
        utc(max(recording.end for recording in recordings.values())),
    )


def portions(recordings: Mapping[str, Recording], zone: ZoneInfo) -> Iterator[tuple[datetime, bytes]]:
    """The frames of each portion, one per sensor and minute, and the UTC time at its end.

    The hour repeated in autumn is played twice, as in the simulator.
    """
    first, last = span(recordings, zone)
    for start in range(first, last, PORTION_MIN):
        end = min(start + PORTION_MIN, last)
        frames = []
        for minute in range(start, end):
            local = local_minute(minute_start(minute).astimezone(zone))
            for sensor, recording in recordings.items():
                if not recording.first <= local < recording.end:
                    continue
                flow, pressure = recording.at(local)
                if flow is not None or pressure is not None:
                    frames.append(encode(sensor, minute * 60.0, flow, pressure, zone))
        yield datetime.fromtimestamp(end * 60, UTC), b"".join(frames)
