"""What all who look share: the state of the box and its incidents, read at most once a second."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from common.clock import Clock, minute_of
from common.database import Database
from common.messages import Catalogue
from common.settings import Settings
from incidents import reading
from outliers.calendar import CalendarFile
from server import incident_list, planned
from server.db_thread import DatabaseThread
from server.state import in_language, names_of, read

STATE_FOR_S = 1.0  # real seconds that one reading is shared by all requests

Json = dict[str, Any]
Whose = tuple[Catalogue, str]  # words, and the sensor; empty for all


class Current:
    """The state and the incidents of now."""

    def __init__(self, desk: DatabaseThread, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.calendar = CalendarFile(settings.paths.data, settings.site.zone)
        self._desk = desk
        self._known: dict[Whose | None, tuple[float, Json]] = {}  # incidents and state: until when, and what
        self._one_at_a_time = asyncio.Lock()

    async def state(self, words: Catalogue | None = None) -> Json:
        """As `server.state.read` has it, in somebody's words or the site's."""
        async with self._one_at_a_time:
            state = self._fresh(None)
            if state is None:
                state = self._keep(None, await self._desk.ask(self._read))
        return in_language(state, words.language, words.units) if words else state

    async def incidents(self, words: Catalogue, sensor: str = "") -> Json:
        """As `server.incident_list.shown` has them: of one sensor, or of all."""
        names = names_of(await self.state())
        zone, minute = self.settings.site.zone, minute_of(self.clock.now())

        def look() -> Json:
            known = reading.load(self.settings.paths.data, minute)
            return incident_list.shown(known, names, words, zone, minute, sensor=sensor)

        async with self._one_at_a_time:
            answer = self._fresh((words, sensor))
            if answer is None:
                answer = self._keep((words, sensor), await asyncio.to_thread(look))
        return answer

    async def ask(self, work: Callable[[Database], Any]) -> Any:
        """Something else of the database, on the connection of the state."""
        return await self._desk.ask(work)

    def _read(self, database: Database) -> Json:
        calendar = planned.calendar(self.calendar.now(), self.clock.now())
        return read(database, self.settings, self.clock) | {"calendar": calendar}

    def _fresh(self, whose: Whose | None) -> Json | None:
        until_s, answer = self._known.get(whose, (-1.0, None))
        return answer if time.monotonic() < until_s else None

    def _keep(self, whose: Whose | None, answer: Json) -> Json:
        now_s = time.monotonic()
        self._known = {each: known for each, known in self._known.items() if now_s < known[0]}
        self._known[whose] = (now_s + STATE_FOR_S, answer)
        return answer
