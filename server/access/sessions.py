"""Sessions: what a browser's cookie says, signed so that nobody else can write one. Pure, but for the key's file.

The cookie is set without a path, and only by addresses one level deep: so it belongs to the page's own folder, under
whatever path a proxy shows it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from itsdangerous import BadData, URLSafeSerializer

LASTS_S = 30 * 86400  # without a visit
FRESH_S = 86400  # an older cookie is written anew at a visit
FAST_S = 120  # a cookie may be of a clock that was ahead by this much
MOST_BYTES = 1000  # of a cookie; ours have 300
SECRET_BYTES = 32  # of a session's forms


@dataclass(frozen=True)
class Session:
    """Of a browser.

    Attributes:
        id: new at each login; the tokens of its forms are made from it.
        name: of the user who last logged in with this browser; may be empty.
        generation: of that user's sessions; empty if nobody is logged in.
        seen_s: when the cookie was written (unix s).
    """

    id: str
    name: str = ""
    generation: str = ""
    seen_s: int = 0


def new(name: str = "", generation: str = "") -> Session:
    return Session(secrets.token_urlsafe(16), name, generation)


class Signature:
    """Reads and writes cookies with one key."""

    def __init__(self, key: bytes) -> None:
        # A browser sends the cookies of a name to every port of it: two servers there must not share them.
        self.cookie = "hydrolog_" + hashlib.sha256(b"cookie" + key).hexdigest()[:8]
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self._key = key
        self._serializer = URLSafeSerializer(key, salt="session", signer_kwargs=options)

    def written(self, session: Session, now: datetime) -> str:
        """The cookie's value."""
        said = self._serializer.dumps([session.id, session.name, session.generation, int(now.timestamp())])
        return said if isinstance(said, str) else said.decode()

    def read(self, header: str, now: datetime) -> Session | None:
        """The newest session of a Cookie header that we have signed. One that is too old is nobody's any more."""
        found = max(self._sessions(header), key=lambda session: session.seen_s, default=None)
        if found is None:
            return None
        age_s = now.timestamp() - found.seen_s
        return found if -FAST_S <= age_s <= LASTS_S else replace(found, generation="")

    def token(self, session: Session) -> str:
        """Of the forms of a session, behind a mask that is new each time.

        Pages are compressed, and repeat what an address asks for: without the mask their lengths would tell a secret
        that stays the same (BREACH).
        """
        mask = secrets.token_bytes(SECRET_BYTES)
        return (mask + _masked(self._secret(session), mask)).hex()

    def is_token(self, session: Session, told: str) -> bool:
        try:
            raw = bytes.fromhex(told)
        except ValueError:
            return False
        mask, hidden = raw[:SECRET_BYTES], raw[SECRET_BYTES:]
        return len(raw) == 2 * SECRET_BYTES and hmac.compare_digest(_masked(hidden, mask), self._secret(session))

    def _secret(self, session: Session) -> bytes:
        return hmac.new(self._key, b"csrf" + session.id.encode(), hashlib.sha256).digest()

    def _sessions(self, header: str) -> Iterator[Session]:
        for part in header.split(";"):
            name, _, value = part.strip().partition("=")
            if name == self.cookie and len(value) <= MOST_BYTES:
                try:
                    id_, user, generation, seen_s = self._serializer.loads(value)
                except (BadData, ValueError, TypeError):
                    continue
                yield Session(id_, user, generation, seen_s)


def _masked(secret: bytes, mask: bytes) -> bytes:
    """With it once: hidden; twice: as it was. Both have the same length."""
    return bytes(one ^ other for one, other in zip(secret, mask, strict=True))
