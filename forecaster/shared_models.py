"""The weights of a center: learnt by one process, used by all.

They are in the database, which all machines reach anyway. Each process keeps a copy of the newest ones in its folder,
as a box has them, and forecasts with those that its own release can read.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

from common.database import Database, statement
from common.errors import DatabaseDown
from common.logging_setup import quoted
from forecaster import artifact
from forecaster.trainer import TrainingNote

LOCK = 7203412  # of who learns: held by its session, so it is free at once when that ends
_ALIVE = (
    "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '3', false)"  # whoever is cut off is noticed within half a minute
)

_log = logging.getLogger(__name__)


class SharedModels:
    """The table of weights, and this process's copies of the newest."""

    def __init__(self, database: Database, data: Path) -> None:
        self._database = database
        self._data = data
        self._refused: set[str] = set()  # by the disk

    def fetch(self) -> None:
        """Bring the copies up to date: no more and no less than the table has.

        Weights that the disk refuses are said once, and fetched again the next time.

        Raises:
            DatabaseDown: the copies stay."""
        with self._database.transaction() as cursor:
            cursor.execute(statement("model_newest"), {"most": artifact.KEEP})
            there = dict(cursor.fetchall())
        here = artifact.versions(self._data)
        for version in reversed([version for version in there if version not in here]):
            with self._database.transaction() as cursor:
                query = "SELECT weights FROM FORECAST_MODEL_TB WHERE version = %s"
                row = cursor.execute(query, (version,), binary=True).fetchone()
            if row is None or row[0] is None:  # given up a moment ago
                continue
            if hashlib.sha256(row[0]).hexdigest() != there[version]:
                _log.warning("model_unusable problem=%s", quoted(f"model {version} is damaged in the database"))
                continue
            try:
                artifact.store(self._data, version, row[0])
            except OSError as error:
                if version not in self._refused:
                    _log.warning("model_not_stored version=%s problem=%s", version, quoted(error))
                self._refused.add(version)
                continue
            _log.info("model_fetched version=%s bytes=%d", version, len(row[0]))
        for version in here:
            if version not in there:
                artifact.drop(self._data, version)

    def last(self) -> tuple[TrainingNote | None, bool]:
        """What the last training came to, and whether one is running now."""
        with self._database.transaction() as cursor:
            row = cursor.execute(statement("model_last"), {"lock": LOCK}).fetchone()
        assert row is not None
        *note, is_running = row
        return (TrainingNote(*note) if note[0] else None), is_running

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether it is this process's turn to learn, until the block ends or the process does."""
        with self._database.transaction() as cursor:
            cursor.execute(_ALIVE)
            row = cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        try:
            yield row == (True,)
        finally:
            self._database.close()  # and the lock with it

    def publish(self, version: str, note: TrainingNote, raw: bytes | None) -> None:
        """Tell what came of a training, and the weights if they are to be used. Only in its turn.

        Raises:
            DatabaseDown: the connection was lost meanwhile, and the turn with it: another may be learning by now."""
        values = {"lock": LOCK, "version": version, "at": note.at, "outcome": note.outcome, "line": note.line}
        values |= {"usable": note.usable, "weights": raw, "sha256": hashlib.sha256(raw).hexdigest() if raw else None}
        with self._database.transaction() as cursor:
            if cursor.execute(statement("model_publish"), values).rowcount != 1:
                raise DatabaseDown("the connection to the database was lost while learning; it is done again")
            cursor.execute(statement("model_old"), {"most": artifact.KEEP, "at": note.at})
