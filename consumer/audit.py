"""Copies what people did from the data folder's audit into the database.

Nothing is remembered on disk: after a start everything is copied again, and what is there already stays as it is.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from psycopg import Cursor

from common import audit, files
from common.audit import Entry
from common.database import Database, refusing, statement
from common.folder import AUDIT_FILE
from consumer.store_each import store_each


class AuditMirror:
    """Step it often: without a change of the file it does nothing."""

    def __init__(self, data: Path, site: str) -> None:
        self._data = data
        self._site = site
        self._seen: files.Stamp | None = None
        self._copied: set[str] = set()

    def step(self, database: Database) -> None:
        """Copy what is new.

        Raises:
            DatabaseDown: nothing is copied; the next step tries again.
        """
        seen = files.stamp(self._data / AUDIT_FILE)
        if seen == self._seen:
            return
        entries, _ = audit.load(self._data)
        with refusing("audit_not_stored", "the database refuses the audit"), database.transaction() as cursor:
            new = [entry for entry in entries if entry.id not in self._copied]
            store_each(cursor, new, lambda some: self._store(cursor, some))
        self._seen, self._copied = seen, {entry.id for entry in entries}

    def _store(self, cursor: Cursor[Any], entries: Sequence[Entry]) -> None:
        rows = [msgspec.structs.asdict(entry) | {"site": self._site} for entry in entries]
        cursor.execute(statement("audit_store"), {"rows": msgspec.json.encode(rows).decode()})
