"""What the guard and the pages of people share: the users, the key, and checks of passwords that starve nobody."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from common import audit, files
from common.audit import AuditUnwritable, Value
from common.clock import Clock, SystemClock
from common.errors import HydrologError
from common.folder import SESSION_KEY_FILE
from common.logging_setup import quoted
from common.messages import message
from common.settings import SiteSettings
from server.access import passwords, users
from server.access.addresses import Proxies
from server.access.failures import Failures
from server.access.sessions import Signature
from server.access.throttle import Throttle
from server.access.users import Account, Users
from server.connections import network

MOST_WAITING = 16  # checks of passwords at a time: a second of waiting
SOON_S = 2  # until the next of them is done

WRONG = message("The name or the password is wrong.")
TOO_OFTEN = message("Too many tries. Try again in {minutes} min.")
TOO_MANY = message("Too many people log in at once. Try again in a moment.")

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)


class LoginRefused(HydrologError):
    """The password was wrong, or may not be tried now; `sentence` is for the catalogues."""

    def __init__(self, status: int, sentence: str, wait_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.wait_s = status, sentence, wait_s


class Access:
    """Of one server. People's browsers live by the real time, also where the site's is faster."""

    def __init__(
        self, data: Path, site: SiteSettings, clock: Clock | None = None, proxies: Proxies | None = None
    ) -> None:
        self.data, self.site, self.clock = data, site, clock or SystemClock()
        self.proxies = proxies or Proxies()
        self.users = Users(data)
        self._throttle = Throttle()
        self._failures = Failures()
        self._checking = ThreadPoolExecutor(1, "passwords")  # one core at most is busy with them
        self._waiting = 0
        self._of_nobody = Signature(secrets.token_bytes(users.KEY_BYTES))  # signs until there is a user
        self._signed: tuple[files.Stamp | None, Signature] = (None, self._of_nobody)

    @property
    def signature(self) -> Signature:
        """Of the sessions.

        Raises:
            UsersUnusable: the users or the key cannot be read.
        """
        if not self.users.now():
            return self._of_nobody
        stamp = files.stamp(self.data / SESSION_KEY_FILE)
        if stamp is None or stamp != self._signed[0]:
            key = users.key(self.data)
            self._signed = files.stamp(self.data / SESSION_KEY_FILE), Signature(key)
        return self._signed[1]

    async def check(self, name: str, password: str, address: str, browser: str) -> Account:
        """The user with this name and password. `browser`: see `Throttle.attempt`.

        Raises:
            LoginRefused: the password is wrong, or cannot be checked now.
            UsersUnusable: the users cannot be read.
        """
        if self._waiting >= MOST_WAITING:
            raise LoginRefused(503, TOO_MANY, SOON_S)
        attempt = self._throttle.attempt(network(address), users.same(name), browser, self.clock.monotonic())
        if attempt.wait_s:
            await self._failed("", address)
            raise LoginRefused(429, TOO_OFTEN, attempt.wait_s)
        account = self.users.find(name)
        if not await self.hashing(passwords.is_right, password, account.kept if account else None) or account is None:
            await self._failed(account.name if account else "", address)
            raise LoginRefused(403, WRONG)
        self._throttle.was_right(attempt, self.clock.monotonic())
        return account

    async def hashing(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Work on a password, which takes a moment: beside the others, one after the other."""
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._checking.submit(work, *args, **kwargs))
        finally:
            self._waiting -= 1

    async def note(self, user: str, address: str, what: str, **values: Value) -> None:
        """Write down what does not wait for being written: on a full disk somebody still has to log in."""
        try:
            await asyncio.to_thread(audit.record, self.data, user, address, what, **values)
        except AuditUnwritable as error:
            _log.warning("not_in_audit what=%s problem=%s", what, quoted(str(error)))

    async def _failed(self, name: str, address: str) -> None:
        for what, values in self._failures.add(self.clock.monotonic()):
            await self.note(name, address, what, **values)

    def step(self) -> None:
        """Write down how many logins have failed, if nobody has tried since."""
        for what, values in self._failures.rest(self.clock.monotonic()):
            audit.record(self.data, "", "", what, **values)

    def close(self) -> None:
        self._checking.shutdown(wait=False)
