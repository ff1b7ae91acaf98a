"""Database connections, each with a thread, so that the event loop never waits for Postgres."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import LifoQueue
from typing import TypeVar

from common.database import WEB_USER, Database
from common.settings import Settings

T = TypeVar("T")


class DatabaseThread:
    """Begins work in order of arrival; a second connection is opened only for what would have to wait."""

    def __init__(self, settings: Settings, application: str, connections: int = 1) -> None:
        self._idle: LifoQueue[Database] = LifoQueue()
        for _ in range(connections):
            self._idle.put(Database(settings, application, WEB_USER))
        self._connections = connections
        self._threads = ThreadPoolExecutor(max_workers=connections, thread_name_prefix=application)

    def submit(self, work: Callable[[Database], T]) -> "Future[T]":
        return self._threads.submit(self._on_an_idle_one, work)

    def _on_an_idle_one(self, work: Callable[[Database], T]) -> T:
        database = self._idle.get()
        try:
            return work(database)
        finally:
            self._idle.put(database)

    async def ask(self, work: Callable[[Database], T]) -> T:
        """The result of `work`, which gets the connection.

        Raises:
            DatabaseDown: no connection, it broke, or the deadline of the transaction passed.
        """
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Accept no more work; current work finishes, and then each connection is closed."""
        for _ in range(self._connections):
            self._threads.submit(lambda: self._idle.get().close())
        self._threads.shutdown(wait=False)
