"""The settings of the weather's source: where it is asked for, and how often. Without an address nobody is asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from common.settings_checks import between, key, proxy_url, time_zone, web_url

KEY, BASE_DATE, BASE_TIME = "{key}", "{base_date}", "{base_time}"  # in the address
_NAME_OF_SECRET = re.compile(
    r"(?:key|token|auth|authorization|app_?id)$|secret|passw|^(?:pw|pwd|sig|signature)$", re.IGNORECASE
)


# Neither shows the value: it may hold a key.
def _url(value: str) -> str | None:
    bare = value
    for name in (KEY, BASE_DATE, BASE_TIME):
        bare = bare.replace(name, "0")
    if "{" in bare or "}" in bare:
        return f"may hold {KEY}, {BASE_DATE} and {BASE_TIME}, and no other braces"
    if any(_NAME_OF_SECRET.search(name) and KEY not in word for name, word in _words(value)):
        return f"a key does not belong in the settings; write {KEY} in its place, and name a file in weather.key_file"
    return web_url(bare)


def _words(url: str) -> Iterator[tuple[str, str]]:
    """The names and values after the question mark, however a service parts them."""
    for part in re.split("[&;]", url.partition("?")[2]):
        name, _, word = part.partition("=")
        if word:
            yield unquote(name), word


def _zone(value: str) -> str | None:
    return time_zone(value) if value else None


@dataclass(frozen=True)
class WeatherSettings:
    url: str = key("", _url)  # empty: nobody is asked
    key_file: str = key("")  # the text in place of {key}
    every_hours: int = key(3, between(1, 24))
    zone: str = key("", _zone)  # of a CSV's times that have no UTC offset; empty: the site's
    proxy: str = key("", proxy_url)
    plain_http: bool = key(False)  # whether http:// may leave the box
    ca_file: str = key("")  # the certificate of the service's authority; empty: those of the system
