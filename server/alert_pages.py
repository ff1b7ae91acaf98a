"""The page on which an admin sees who is told of alarms, and sends a test message."""

import threading
import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from common import audit
from common.audit import Actor
from common.errors import SettingsError
from common.messages import message
from common.refused import NotPossible, Refused
from messengers.messenger import Messengers
from messengers.trial import tried
from server.access import Role, needs
from server.attempt import DONE, Outcome, actor, attempt
from server.reader import Reader
from server.screens import Screens

EVERYBODY = "everybody"
ONE_S = 20.0  # real seconds for one recipient: a slow mail server takes ten
ALL_S = 30.0  # after that long nobody else is tried: a browser, and a proxy before it, wait for a minute

BUSY = message("Another test is under way. Try again in a minute.")
GONE = message("There is no such recipient.")
WRONG_SETTINGS = message("The settings are wrong: {problem}")
NOT_TRIED = message("not tried, the others took too long")


class Result(NamedTuple):
    """Of the last test of a recipient. `problem`: without secrets; empty if the message was accepted."""

    at: datetime
    by: str
    problem: str


class AlertPages:
    """The endpoints."""

    def __init__(self, screens: Screens) -> None:
        self._screens = screens
        self._settings = screens.current.settings
        self._messengers = Messengers(self._settings.alerts, threading.Event(), ONE_S)
        self._results: dict[str, Result] = {}
        self._testing = threading.Lock()

    def routes(self) -> list[Route]:
        """Where they are."""
        return [
            Route("/alerts", self.shown, methods=["GET"]),
            Route("/alerts", self.test, methods=["POST"]),
        ]

    @needs(Role.ADMIN)
    async def shown(self, request: Request) -> Response:
        """Who is told, and the last test of each."""
        return await self._page(request)

    @needs(Role.ADMIN)
    async def test(self, request: Request) -> Response:
        """Send a test message to one recipient, or to all."""
        asked, by, reader = request.state.form.get("recipient", ""), actor(request), self._screens.reader(request)
        people = self._messengers.people
        chosen = [*people] if asked == EVERYBODY else [name for name in people if name == asked]
        done = await attempt(lambda: self._test(chosen, by, reader), reader)
        if done is not DONE:
            return await self._page(request, done)
        return RedirectResponse("alerts", 303)

    def _test(self, chosen: Sequence[str], by: Actor, reader: Reader) -> None:
        if not chosen:
            raise Refused(GONE)
        if not self._testing.acquire(blocking=False):
            raise NotPossible(BUSY)
        try:
            self._messengers.check()
            began_s = time.monotonic()
            for name in chosen:
                problem = reader.words.say(NOT_TRIED)
                if time.monotonic() - began_s < ALL_S:
                    audit.record(
                        self._settings.paths.data, *by, "alerts-tested", recipient=self._messengers.shown(name)
                    )
                    problem = tried(self._messengers, name, self._settings, reader.now)
                self._results[name] = Result(reader.now, by.name, problem)
        except SettingsError as error:
            raise Refused(WRONG_SETTINGS, problem=error) from error
        finally:
            self._testing.release()

    async def _page(self, request: Request, done: Outcome = DONE) -> Response:
        reader = self._screens.reader(request)
        recipients = [
            {
                "name": name,
                "shown": self._messengers.shown(name),
                "person": person.name,
                "result": self._results.get(name),
            }
            for name, person in self._messengers.people.items()
        ]
        return self._screens.page(
            request,
            "alerts.html",
            reader,
            await self._screens.current.state(reader.words),
            done.status,
            recipients=recipients,
            everybody=EVERYBODY,
            told=self._settings.are_alarms_sent,
            wrong=done.wrong,
        )
