"""Where a request comes from."""

import ipaddress

from starlette.requests import HTTPConnection

from common.settings_checks import is_loopback


def address_of(request: HTTPConnection) -> str:
    """The browser's address, through a proxy on this machine as well.

    A proxy appends the address that it was asked from, so only the last one is its own word.
    """
    address = request.client.host if request.client else ""
    if is_loopback(address):
        told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        try:
            return str(ipaddress.ip_address(told))
        except ValueError:
            return address
    return address


def is_secure(request: HTTPConnection) -> bool:
    """Whether the browser came by TLS, to this server or to a proxy: whoever lies here only loses his own cookie."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "") == "https"
