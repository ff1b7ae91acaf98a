"""``hydrolog line test`` while a producer has the port: what that producer reads, from its health file and the log."""

import contextlib
import time
from collections import Counter
from typing import Any

from cli.line_door import WHY, tell
from cli.line_others import producer_at
from cli.shell import printable, say
from cli.tail import Follower, describe
from common import health
from common.clock_words import listed
from common.errors import RowRefused
from common.folder import LOG_FILE
from common.row import Row, parse_payload
from common.settings import Settings
from log.format import Record
from situation.snapshot import clock_offsets_s

LOOK_S = 1.0  # as often as the health file is written
LAST_LINES = 1_000  # of the log, for the newest rows of many sensors
MOST_SHOWN = 20  # sensors
MINUTE_S = 60.0
STUCK_S = 5.0  # it writes its report every second
STOP = "stop the service (sudo systemctl stop hydrolog), then test again"

Json = dict[str, Any]


class LineWatch:
    """What a producer has read since the start of the watch."""

    def __init__(self, settings: Settings, pid: int) -> None:
        self._settings = settings
        self._pid = pid
        self._state: Json = {}
        self._began: Counter[str] | None = None  # its counters then
        self.rows: dict[str, Row] = {}  # the newest of each sensor
        self._follower: Follower | None = None
        self._first = True
        self._written_ns: set[int] = set()  # when its report was written
        self.readings = 0
        self.refused: Counter[str] = Counter()

    def look(self) -> None:
        """Show what is new."""
        data = self._settings.paths.data
        state = health.load_all(data).get("producer", {})
        with contextlib.suppress(OSError):
            self._written_ns.add((health.folder(data) / "producer.json").stat().st_mtime_ns)
        if state.get("pid") == self._pid:
            self._state = state
            self._count(state)
        found = self._new_rows()
        for seen in found[:MOST_SHOWN]:
            say(f"  row      {describe(seen, self._settings.site.zone, {}).plain.strip()}")
        if len(found) > MOST_SHOWN:
            say(f"  row      and {len(found) - MOST_SHOWN} more")

    def _count(self, state: Json) -> None:
        counters = _counters(state)
        if self._began is None:
            self._began = counters
        new = counters - self._began
        if readings := new.pop("readings", 0) - self.readings:
            say(f"  taken    {readings} readings")
        self.readings += readings
        tell(printable(reason) for reason in new if reason not in self.refused)
        self.refused = new

    def _new_rows(self) -> list[Record]:
        """The newest row of each sensor at first, then each new one."""
        path = self._settings.paths.data / LOG_FILE
        if self._settings.is_center:
            return []
        try:
            self._follower = self._follower or Follower(path, LAST_LINES)
            found = [seen for seen in self._follower.read() if isinstance(seen, Record)]
        except OSError:  # a producer that has just started has no log yet
            return []
        newest: dict[str, Record] = {}
        for record in found:
            try:
                row = parse_payload(record.payload)
            except RowRefused:
                continue
            self.rows[row.sensor] = row
            newest[row.sensor] = record
        first, self._first = self._first, False
        return list(newest.values()) if first else found

    def close(self) -> None:
        if self._follower:
            self._follower.close()

    def summary(self, took_s: float) -> None:
        """What was seen, by sensor."""
        sensors = sorted(self.rows)[:MOST_SHOWN]
        if sensors:
            rates = ", ".join(f"{sensor} {self.rows[sensor].samples / MINUTE_S:.2g}" for sensor in sensors)
            more = f" and {len(self.rows) - MOST_SHOWN} more sensors" if len(self.rows) > MOST_SHOWN else ""
            say(f"readings a second, in each sensor's newest minute: {rates}{more}")
        if offsets := clock_offsets_s(self._state):
            say(f"clocks of the meters: {listed(offsets)}")
        counts = ", ".join(f"{count} {printable(reason)}" for reason, count in self.refused.most_common()) or "none"
        say(f"{self.readings} readings in {took_s:.0f} s, refused: {counts}")

    @property
    def good(self) -> bool:
        """Whether values came that are stored: a reading of which every value is refused is taken, too."""
        return self.readings > 0 and any(self._comes(channel) for channel in ("flow", "pressure"))

    def _comes(self, channel: str) -> bool:
        refused = self._no_values(channel)
        if refused:
            return refused < self.readings
        if self.rows:
            return any(getattr(row, channel) is not None for row in self.rows.values())
        return not self._no_values("flow") + self._no_values("pressure")  # which channels there are is not known yet

    def _no_values(self, channel: str) -> int:
        return self.refused[f"{channel}-no-value"] + self.refused[f"{channel}-limit"]

    def conclusion(self, took_s: float) -> str:
        """What to try; empty if all is well."""
        if not self._state:
            return "the producer has not said anything yet: it may be starting; test again in a minute"
        if len(self._written_ns) < 2 and took_s >= STUCK_S:
            return f"the producer has reported nothing new for {took_s:.0f} s: it hangs; see hydrolog status"
        if problem := str(self._state.get("problem") or ""):
            return f"the producer says: {printable(problem)}"
        if self.good:
            return ""
        if self.refused or self.readings:
            reason = next(iter(dict(self.refused.most_common(1))), "empty")
            return f"no value is stored: {printable(reason)}: {WHY.get(reason, f'to see the bytes, {STOP}')}"
        return f"no reading within {took_s:.0f} s: a meter that sends once a minute needs --seconds 70"


def watch(settings: Settings, pid: int, seconds: float, not_tried: list[str]) -> int:
    """Show what the producer reads for so long, or until Ctrl-C; the exit code as for a test of one's own."""
    url = settings.line.url
    say(f"the producer (process {pid}) reads {url}: showing what it reads, for {seconds:g} s")
    if not_tried:
        say(f"  a port cannot be shared, so {' and '.join(not_tried)} cannot be tried now: {STOP}")
    seen = LineWatch(settings, pid)
    began_s = time.monotonic()
    there = True
    try:
        while there and (left_s := began_s + seconds - time.monotonic()) > 0:
            seen.look()
            time.sleep(min(LOOK_S, left_s))
            there = producer_at(url, settings) == pid
        seen.look()
    except KeyboardInterrupt:
        pass
    finally:
        seen.close()
    took_s = time.monotonic() - began_s
    seen.summary(took_s)
    if not there:
        say("the producer has ended meanwhile: test again, then the port is free, or a new producer has it")
    elif said := seen.conclusion(took_s):
        say(said)
    return 0 if seen.good and there else 1


def _counters(state: Json) -> Counter[str]:
    """Readings, and what was refused, by reason; a file may hold anything."""
    counters = state.get("counters")
    counters = counters if isinstance(counters, dict) else {}
    refused = counters.get("frames_refused")
    named = refused if isinstance(refused, dict) else {}
    numbers = {**named, "late": counters.get("late"), "readings": counters.get("readings")}
    return Counter({reason: count for reason, count in numbers.items() if isinstance(count, int)})
