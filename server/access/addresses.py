"""Where a request comes from."""

import ipaddress
from collections.abc import Iterable

from starlette.requests import HTTPConnection

from common.settings_checks import is_loopback


class Proxies:
    """The addresses and networks whose word about a browser's address is believed: this machine's, and those named."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._networks = [ipaddress.ip_network(name) for name in named]

    def address_of(self, request: HTTPConnection) -> str:
        """The browser's address, through proxies that are believed as well.

        A proxy appends the address that it was asked from: so the last ones are believed, until one is of nobody known.
        """
        address = request.client.host if request.client else ""
        told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        believed = is_loopback(address) or self._names(address)
        while told and believed:
            try:
                address = str(ipaddress.ip_address(told.pop().strip()))
            except ValueError:
                break
            believed = self._names(address)
        return address

    def _names(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self._networks)


def is_secure(request: HTTPConnection) -> bool:
    """Whether the browser came by TLS, to this server or to a proxy: whoever lies here only loses his own cookie."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "") == "https"
