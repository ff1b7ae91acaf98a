"""Where the settings of a section lead: an address of the web, the proxy before it, and whom its TLS trusts."""

import ssl
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, quote, urlsplit

from common.errors import SettingsError
from common.logging_setup import quoted
from common.settings_checks import is_loopback

_PATH_SAFE = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True)
class WebAddress:
    """An address that is asked, or to which something is sent."""

    host: str  # ASCII, without brackets
    port: int
    target: str  # path and query
    tls: ssl.SSLContext | None
    proxy: SplitResult | None = None

    @property
    def place(self) -> str:
        """Host and port as HTTP writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Reached(Protocol):
    """Settings of who is reached by HTTP."""

    @property
    def url(self) -> str: ...
    @property
    def proxy(self) -> str: ...
    @property
    def plain_http(self) -> bool: ...
    @property
    def ca_file(self) -> str: ...


def address_of(section: str, chosen: Reached) -> WebAddress:
    """Where the settings of a section lead; their form has been checked.

    Raises:
        SettingsError: the host is no name, the authority's file is unusable, or everybody could read along on the way.
    """
    parts = urlsplit(chosen.url)
    try:
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except UnicodeError as error:
        raise SettingsError(f"{section}.url", f"{quoted(parts.hostname)} is not a host name") from error
    target = quote(parts.path or "/", safe=_PATH_SAFE) + (f"?{quote(parts.query, safe=_PATH_SAFE)}" * bool(parts.query))
    proxy = urlsplit(chosen.proxy) if chosen.proxy else None
    if parts.scheme == "https":
        return WebAddress(host, parts.port or 443, target, _trusting(section, chosen.ca_file), proxy)
    if not is_loopback(host) and not chosen.plain_http:
        raise SettingsError(
            f"{section}.url",
            f"everyone on the way can read and change what goes by http:// to {quoted(host)}, tokens and keys too; "
            f"write https://, or set {section}.plain_http = true if the way is safe",
        )
    return WebAddress(host, parts.port or 80, target, None, proxy)


def _trusting(section: str, ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:  # also what is no certificate
        problem = f"cannot read {quoted(ca_file)}: {error.strerror or error}"
        raise SettingsError(f"{section}.ca_file", problem) from error
