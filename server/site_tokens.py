"""The tokens of sites, in `receiver.tokens` of the data folder: site, SHA-256 of the token, made, revoked; a line each.

A token names its site, so that one look finds what to compare it with: `site-7.` and 43 random characters. The token
itself is kept nowhere. With the file there, a site that it names is let in by its own tokens only.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from common import files
from common.errors import HydrologError
from common.folder import SITE_TOKENS_FILE
from common.settings_checks import site_id

MOST_BYTES = 64 * 1024 * 1024  # of half a million tokens
RANDOM_BYTES = 32
HEADING = "# site\tsha256\tmade\trevoked\n"


class TokensUnusable(HydrologError):
    """The tokens of sites cannot be read or written."""


class TokenRefused(HydrologError):
    """What was asked for cannot be done."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class SiteToken:
    """A token as the file holds it.

    Attributes:
        digest: its SHA-256, in hex.
        revoked: when it was; None while it lets its site in.
    """

    site: str
    digest: str
    made: datetime
    revoked: datetime | None = None

    @property
    def line(self) -> str:
        times = (time.isoformat(timespec="seconds") if time else "" for time in (self.made, self.revoked))
        return "\t".join((self.site, self.digest, *times))


class SiteTokens:
    """The file, read anew when it has changed. What was read last counts while it cannot be read."""

    def __init__(self, data: Path) -> None:
        self._data, self._path = data, data / SITE_TOKENS_FILE
        self._stamp: files.Stamp | None = (0, 0, 0)  # no file's
        self._digests: dict[str, tuple[str, ...]] | None = None  # of sites; None: never read
        self.problem = ""  # why what counts may be old
        self.look()

    def look(self) -> None:
        """Read the file if it has changed."""
        stamp = files.stamp(self._path)
        if stamp == self._stamp:
            return
        try:
            found = load(self._data)
        except TokensUnusable as error:
            self.problem = str(error)
            if isinstance(error.__cause__, OSError):
                return  # the disk, or too many open files: the next look may do better
        else:
            self.problem = ""
            if stamp is None and self._digests:
                self.problem = f"{self._path} is gone; the tokens that it held count until this process ends"
            else:
                self._digests = _of_sites(found)
        self._stamp = stamp

    @property
    def _known(self) -> dict[str, tuple[str, ...]]:
        if self._digests is None:
            raise TokensUnusable(self.problem)
        return self._digests

    @property
    def usable(self) -> bool:
        """Whether the file was ever read, or there is none."""
        return self._digests is not None

    def names(self, site: str) -> bool:
        """Whether a site has tokens of its own, revoked ones too.

        Raises:
            TokensUnusable: the file was never read.
        """
        return site in self._known

    def site_of(self, token: str) -> str | None:
        """The site that a token lets in.

        Raises:
            TokensUnusable: the file was never read.
        """
        site, _, _ = token.rpartition(".")
        digest = digest_of(token)
        # Comparisons in constant time, all of them.
        matches = [hmac.compare_digest(digest, known) for known in self._known.get(site, ())]
        return site if any(matches) else None


def digest_of(token: str) -> str:
    """What the file keeps of a token."""
    return hashlib.sha256(token.encode("latin-1", "replace")).hexdigest()


def _of_sites(tokens: list[SiteToken]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in tokens:
        found[one.site] = found.get(one.site, ()) + ((one.digest,) if one.revoked is None else ())
    return found


def load(data: Path) -> list[SiteToken]:
    """All tokens, in the order in which they were made; none without a file.

    Raises:
        TokensUnusable: it cannot be read, or a line is none of ours.
    """
    path = data / SITE_TOKENS_FILE
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode("ascii")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TokensUnusable(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TokensUnusable(f"{path} is not ASCII text") from error
    if len(text) > MOST_BYTES:
        raise TokensUnusable(f"{path} is larger than {MOST_BYTES} bytes")
    lines = enumerate(text.splitlines(), 1)
    return [_parsed(line, f"{path}, line {number}") for number, line in lines if line and not line.startswith("#")]


def _parsed(line: str, where: str) -> SiteToken:
    try:
        site, digest, made, revoked = line.split("\t")
        times = [datetime.fromisoformat(text).astimezone(UTC) for text in (made, *filter(None, [revoked]))]
        good = site_id(site) is None and len(bytes.fromhex(digest)) == hashlib.sha256().digest_size
    except (ValueError, OverflowError):
        good = False
    if not good:
        raise TokensUnusable(f"{where}: not a site, the SHA-256 of its token, when it was made, when revoked")
    return SiteToken(site, digest.lower(), *times)


@contextmanager
def _changing(data: Path) -> Iterator[list[SiteToken]]:
    """The tokens, to be changed: they are stored at the end, unless something is raised."""
    path = data / SITE_TOKENS_FILE
    try:
        with files.one_at_a_time(data):
            known = load(data)
            yield known
            files.replace(path, (HEADING + "".join(f"{one.line}\n" for one in known)).encode("ascii"))
    except OSError as error:
        raise TokensUnusable(f"cannot write {path}: {error.strerror}") from error


def add(data: Path, site: str, at: datetime) -> str:
    """Make a token for a site, beside those that it has; returns it.

    Raises:
        TokenRefused: that is no name of a site.
        TokensUnusable: nothing has changed.
    """
    if problem := site_id(site):
        raise TokenRefused(f"a site's name {problem}")
    token = f"{site}.{secrets.token_urlsafe(RANDOM_BYTES)}"
    with _changing(data) as known:
        known.append(SiteToken(site, digest_of(token), at))
    return token


def revoke(data: Path, site: str, at: datetime, *, keep_newest: bool = False) -> int:
    """Revoke a site's tokens, all or all but the newest; returns how many.

    Raises:
        TokenRefused: it has none that could be revoked.
        TokensUnusable: nothing has changed.
    """
    with _changing(data) as known:
        valid = [number for number, one in enumerate(known) if one.site == site and one.revoked is None]
        ending = valid[:-1] if keep_newest else valid
        if not ending:
            raise TokenRefused(f"{site!r} has no{' older' if keep_newest else ''} token that is not revoked")
        for number in ending:
            known[number] = replace(known[number], revoked=at)
    return len(ending)
