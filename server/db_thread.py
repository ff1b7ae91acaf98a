"""One database connection with its own thread, so that the event loop never waits for Postgres."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from common.database import WEB_USER, Database
from common.settings import Settings

T = TypeVar("T")


class DatabaseThread:
    """Runs work in order of arrival."""

    def __init__(self, settings: Settings, application: str) -> None:
        self._database = Database(settings, application, WEB_USER)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=application)

    def submit(self, work: Callable[[Database], T]) -> "Future[T]":
        return self._thread.submit(work, self._database)

    async def ask(self, work: Callable[[Database], T]) -> T:
        """The result of `work`, which gets the connection.

        Raises:
            DatabaseDown: no connection, it broke, or the deadline of the transaction passed.
        """
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Accept no more work; current work finishes and then closes the connection."""
        self._thread.submit(self._database.close)
        self._thread.shutdown(wait=False)
