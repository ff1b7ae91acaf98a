"""The session of one request, and what becomes of it."""

from dataclasses import replace

from starlette.requests import Request

from server.access import sessions
from server.access.access import Access
from server.access.addresses import is_secure
from server.access.roles import User
from server.access.sessions import Session, Signature
from server.access.users import Account


class Visit:
    """Of one request; `read` it first."""

    def __init__(self, request: Request, access: Access) -> None:
        self._request = request
        self._access = access
        self._signature: Signature | None = None
        self._session: Session | None = None
        self._changed = False

    def read(self) -> None:
        """Read the cookie.

        Raises:
            UsersUnusable: nobody can be known by it.
        """
        self._signature = self._access.signature
        header = ";".join(self._request.headers.getlist("cookie"))
        self._session = self._signature.read(header, self._access.clock.now())

    def user(self) -> User | None:
        """Who is logged in. A session that has ended is nobody's for good: its cookie may be written anew.

        Raises:
            UsersUnusable: see `read`.
        """
        session = self._session
        account = self._access.users.find(session.name) if session and session.generation else None
        if session is None or account is None:
            return None
        if session.generation != account.generation or session.id in account.ended:
            self._session = replace(session, generation="")
            return None
        return account.user

    def browser_of(self, account: Account | None) -> str:
        """This browser's session, if it was this user who last logged in with it."""
        session = self._session
        return session.id if session and account and session.name == account.name else ""

    def begin(self, account: Account) -> None:
        """Log in: with another id, so that nobody can know it from before."""
        self._session, self._changed = sessions.new(account.name, account.generation), True

    def end(self) -> str:
        """Log out; returns the session's id."""
        before = self._session
        self._session, self._changed = sessions.new(before.name if before else ""), True
        return before.id if before else ""

    def token(self) -> str:
        """For the forms of a page; from now on the browser has a session."""
        if self._signature is None:
            return ""  # no form is taken while the users cannot be read
        if self._session is None:
            self._session, self._changed = sessions.new(), True
        return self._signature.token(self._session)

    def is_token(self, told: str) -> bool:
        """Whether a form has come with the token of this session."""
        if self._signature is None or self._session is None:
            return False
        return self._signature.is_token(self._session, told)

    def cookie(self) -> str:
        """The header that sets the cookie; empty if it stays as it is. Only of an address one level deep: see
        `sessions`.
        """
        now = self._access.clock.now()
        session, signature = self._session, self._signature
        if session is None or signature is None or self._request.url.path.count("/") > 1:
            return ""
        if not self._changed and now.timestamp() - session.seen_s < sessions.FRESH_S:
            return ""
        secure = "; Secure" if is_secure(self._request) else ""
        value = signature.written(session, now)
        return f"{signature.cookie}={value}; Max-Age={sessions.LASTS_S}; HttpOnly; SameSite=Lax{secure}"
