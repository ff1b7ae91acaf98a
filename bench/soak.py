"""`make soak SECONDS=120`: the real executables under random kills and faults, ending in one table.

Meters play on a pseudo-terminal, twenty times as fast as life; producer, consumers, reference server and an embedded
Postgres run as processes of their own. At random one of them is killed with -9, stopped for a while, kept away, half
a row is written behind the log's end, or the disk of the data folder is full or answers EIO for a while. A witness, a
consumer group of its own that no fault touches, notes every row that ever had an offset; at the end each of them must
be at the server and in the archive exactly once, unchanged and in order.

Exit code 1 if one is lost, repeated, changed or out of order, or if a process ends by itself or does not come back.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from peers import faults
from peers.faults import Faults
from peers.keeper import RECOVER_S, Keeper

from common import database, health
from common.clock import VARIABLE, ScaledClock
from common.folder import LOG_FILE
from common.row import Row, parse_payload
from common.settings import CONFIG, PREFIX, Settings, load
from demo import tally
from demo.folder import DemoFolder
from log import commits, mark
from log.roles import Log, open_for

SPEED = 20.0  # a minute in three seconds, a batch every half a minute
SENSORS = 8
SITE_START_S = 1_724_630_400.0  # 2024-08-26T09:00:00+09:00
ZONE = "Asia/Seoul"
GROUPS = ("archive", "server", "witness")
CALM_S = 4.0  # real seconds between two faults, on average
START_S = 60.0
DRAIN_S = 120.0  # Postgres may have to recover first
LOOK_S = 0.05


class Witness:
    """A consumer group that notes every row: what was produced, whoever lives or dies."""

    def __init__(self, settings: Settings) -> None:
        self.rows: dict[int, Row] = {}
        self.conflicts = 0
        self.resets = 0
        self.log: Log = open_for(settings)
        self._group = self.log.group("witness")
        self._base = self.log.base_offset

    def look(self) -> None:
        while polled := self._group.poll(1000):
            for record in polled:
                row = parse_payload(record.payload)
                self.conflicts += self.rows.setdefault(record.offset, row) != row
            self._group.commit(polled[-1].offset + 1)
            self.log.trim()
        if (base := self.log.base_offset) != self._base:
            self._base, self.resets = base, self.resets + 1


def run(home: Path, seconds: float, seed: int) -> int:
    folder = DemoFolder(home)
    folder.make()
    folder.write_settings(zone=ZONE, speed=SPEED, wanted_port=0)
    clock = ScaledClock(SPEED, time.time(), SITE_START_S)
    own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    groups = {f"{PREFIX}LOG__GROUPS": ",".join(GROUPS)}
    clocks = {VARIABLE: clock.to_environment(), "PYTHONUNBUFFERED": "1"}
    environ = own | groups | clocks | {CONFIG: str(folder.config)} | faults.environment(folder)
    settings = load(folder.config, groups)
    keeper = Keeper(folder, environ)
    witness = Witness(settings)
    storm = Faults(keeper, folder, random.Random(seed))
    problems: list[str] = []
    try:
        simulator = ["cli", "simulate", "--district", "1", "--sensors", str(SENSORS), "--link", str(folder.link)]
        keeper.run("simulator", [*simulator, "--truth", str(folder.truth), "--noise", "0.01"])
        problems += _until(lambda: keeper.all_at_work, START_S, keeper, witness, "the start")
        _register(settings)
        problems += _until(lambda: len(witness.rows) >= SENSORS, START_S, keeper, witness, "the first minute")
        keeper.recoveries = {}
        _storm(seconds, keeper, witness, storm, problems)
        problems += _until(lambda: keeper.all_at_work, RECOVER_S, keeper, witness, "everybody's return")
        keeper.end(["simulator"])
        problems += _until(lambda: _drained(folder.data, witness), DRAIN_S, keeper, witness, "the last row's arrival")
        found = _compare(settings, folder, witness)
    finally:
        keeper.end(["simulator", "producer", "consumer-archive", "consumer-server", "server", "database"])
    return _print(found, keeper, storm, problems, seconds)


def _register(settings: Settings) -> None:
    with database.connect(database.address(settings), "soak") as connection:
        for number in range(1, SENSORS):  # the last one stays unknown: its rows are kept apart
            point = {"site": settings.site.id, "sensor": f"D{number:03}"}
            connection.execute(database.statement("sensor_register").encode(), point)
        connection.commit()


def _until(holds: Callable[[], bool], patience_s: float, keeper: Keeper, witness: Witness, what: str) -> list[str]:
    give_up_s = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > give_up_s:
            return [f"waited {patience_s:g} s for {what}; not at work: {', '.join(keeper.awaited()) or 'nobody'}"]
        keeper.look()
        witness.look()
        time.sleep(LOOK_S)
    return []


def _storm(seconds: float, keeper: Keeper, witness: Witness, storm: Faults, problems: list[str]) -> None:
    chance = random.Random(len(witness.rows))
    until_s = time.monotonic() + seconds
    next_s = time.monotonic() + CALM_S
    said: set[str] = set()
    while (now_s := time.monotonic()) < until_s:
        keeper.look()
        witness.look()
        storm.look()
        for late in set(keeper.late()) - said:
            problems.append(late)
            said.add(late)
        if now_s >= next_s:
            storm.strike()
            next_s = time.monotonic() + chance.uniform(0.3, 2 * CALM_S)
        time.sleep(LOOK_S)
    storm.end()


def _drained(data: Path, witness: Witness) -> bool:
    """The last minutes are closed, and every group is at the end."""
    published = mark.load(data)
    end = witness.log.end_offset
    done = [commits.read(data, name) or 0 for name in GROUPS]
    quiet = time.time() - (data / LOG_FILE).stat().st_mtime > 3.0
    return quiet and published is not None and published.end_offset >= end and min(done) >= end


_BATCHES = """
    SELECT split_part(split_part(key, '/', 3), '-', 1)::bigint FROM RECEIVED_BATCH_TB ORDER BY received_at, 1
"""


def _compare(settings: Settings, folder: DemoFolder, witness: Witness) -> dict[str, Any]:
    """Every row that the witness noted, against what the server and the archive hold."""
    log_id = witness.log.log_id
    with database.connect(database.address(settings), "soak") as connection:
        columns = (
            "log_id, log_offset, extract(epoch FROM time)::bigint / 60, sensor, flow, pressure, samples, flow_flags,"
            " pressure_flags"
        )
        rows = connection.execute(tally.RECEIVED.format(columns=columns).encode()).fetchall()
        received = [row for whose, *row in rows if whose == log_id]
        batches = connection.execute(_BATCHES).fetchall()
        again = connection.execute("SELECT coalesce(sum(repeated), 0)::bigint FROM RECEIVED_BATCH_TB").fetchone()
        archived = connection.execute(
            "SELECT extract(epoch FROM time)::bigint / 60, sensor FROM REAL_VAL_TB"
            " UNION ALL SELECT extract(epoch FROM time)::bigint / 60, sensor FROM UNREGISTERED_VAL_TB"
        ).fetchall()
    produced = witness.rows
    at_server = {offset: Row(int(minute), *rest) for offset, minute, *rest in received}
    order = [first for (first,) in batches]
    times = Counter((row.minute, row.sensor) for row in at_server.values())
    in_archive = Counter((int(minute), sensor) for minute, sensor in archived)
    wanted = {(row.minute, row.sensor) for row in produced.values()}
    with folder.truth.open(encoding="ascii") as file:
        played = tally.read_truth(file)
    first = min((minute for minute, _ in wanted), default=0)
    return {
        "rows produced": len(produced),
        "received exactly once": sum(at_server.get(offset) == row for offset, row in produced.items()),
        "lost": sum(offset not in at_server for offset in produced),
        "repeated": sum(count - 1 for count in times.values()) + (len(produced) - len(wanted)),
        "changed": sum(offset in at_server and at_server[offset] != row for offset, row in produced.items())
        + witness.conflicts,
        "never produced": sum(offset not in produced for offset in at_server) + (len(rows) - len(received)),
        "out of order": sum(later < earlier for earlier, later in pairwise(order)),
        "archive: lost": sum(key not in in_archive for key in wanted),
        "archive: repeated": sum(count - 1 for count in in_archive.values()),
        "sent again, dropped by the server": again[0] if again else 0,
        "resets of the log": witness.resets,
        "minutes played": len(played),
        "minutes without a row (nobody listened)": sum(key not in wanted for key in played if key[0] > first),
    }


MUST_BE_ZERO = ("lost", "repeated", "changed", "never produced", "out of order", "archive: lost", "archive: repeated")


def _print(found: dict[str, Any], keeper: Keeper, storm: Faults, problems: list[str], seconds: float) -> int:
    print(f"\n{seconds:g} s of faults, site time {SPEED:g} times as fast as life\n")
    print(f"  {'':30}{'':>6}   back at work after (s)\n  {'fault':30}{'times':>6}{'median':>9}{'worst':>8}")
    for name, count in sorted(storm.done.items()):
        took = keeper.recoveries.get(name)
        back = f"{statistics.median(took):>9.1f}{max(took):>8.1f}" if took else ""
        print(f"  {name:30}{count:>6}{back}")
    print()
    for name, value in found.items():
        wrong = name in MUST_BE_ZERO and value
        print(f"  {value:>9,}  {name}{'   <-- must be 0' if wrong else ''}")
    problems += [
        f"{count} times: {what}, and nobody had killed it" for what, count in keeper.ended_by_themselves.items()
    ]
    if not found["rows produced"]:
        problems.append("nothing was produced")
    problems += [f"{name}: {found[name]}" for name in MUST_BE_ZERO if found[name]]
    for problem in problems:
        print(f"\nNOT GOOD: {problem}")
    print("\nnothing lost, nothing repeated" if not problems else "")
    return 1 if problems else 0


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 16)
    print(f"soak seconds={seconds:g} seed={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="hydrolog-soak-") as name:
        home = Path(name)
        try:
            code = run(home, seconds, seed)
        except BaseException:
            _keep_logs(home)
            raise
        if code:
            _keep_logs(home)
        return code


def _keep_logs(home: Path) -> None:
    """What the processes said, for whoever looks into it."""
    for path in sorted((home / "logs").glob("*.log")):
        tail = path.read_text("utf-8", "replace").splitlines()[-15:]
        print(f"\n--- {path.name}\n" + "\n".join(tail))
    print(json.dumps({role: state.get("problem") for role, state in health.load_all(home / "data").items()}))


if __name__ == "__main__":
    raise SystemExit(main())
