"""Who may deliver which site's batches: the tokens of sites, and the one token of all sites that have none."""

import hmac
from os import environ
from pathlib import Path

from common.errors import SettingsError
from common.folder import SITE_TOKENS_FILE
from common.settings import RECEIVER_TOKEN, ReceiverSettings, Settings
from common.token_file import read_token
from server.batch import BatchRefused
from server.site_tokens import SiteTokens

EVERY_SITE = ""


def common_token(receiver: ReceiverSettings, data: Path) -> str | None:
    """The token of all sites that have none of their own; None if each has.

    Raises:
        SettingsError: there is neither this one nor any other.
    """
    if not receiver.token_file and not environ.get(RECEIVER_TOKEN):
        if (data / SITE_TOKENS_FILE).exists():
            return None
        make = "no token: make one for each site with hydrolog sites add SITE; or name a file here that holds one for "
        raise SettingsError("receiver.token_file", f"{make}all, or set {RECEIVER_TOKEN}")
    return read_token(RECEIVER_TOKEN, receiver.token_file, "receiver.token_file")


def credentials_for(settings: Settings) -> "Credentials":
    """Those of a server.

    Raises:
        SettingsError: there is no token at all.
    """
    data = settings.paths.data
    return Credentials(common_token(settings.receiver, data), SiteTokens(data))


class Credentials:
    """What is known of tokens; `common` lets in every site without a token of its own, None lets in none."""

    def __init__(self, common: str | None, tokens: SiteTokens) -> None:
        self._common = common
        self.tokens = tokens

    def holder(self, authorization: str) -> str:
        """The site whose token stands in the header; `EVERY_SITE` for the common one.

        Raises:
            BatchRefused: 401, the token is not known.
            TokensUnusable: nobody can tell.
        """
        self.tokens.look()
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            if self._common is not None and hmac.compare_digest(token.encode("latin-1"), self._common.encode("ascii")):
                return EVERY_SITE
            if (site := self.tokens.site_of(token)) is not None:
                return site
        raise BatchRefused(401, "a bearer token is needed")

    def check(self, holder: str, site: str) -> None:
        """See that the holder of a token may deliver the batches of a site.

        Raises:
            BatchRefused: 403, it is another one's.
        """
        if holder == EVERY_SITE and self.tokens.names(site):
            raise BatchRefused(403, "this site has a token of its own; the common one is for sites that have none")
        if holder not in (EVERY_SITE, site):
            raise BatchRefused(403, "this token is another site's than the Idempotency-Key names", site=holder)
