"""The hours in an answer of a weather service: CSV as of `hydrolog weather add`, JSON by the hour, or that of the KMA.

Nothing of an answer is believed that is not as described. What is wrong is said in words for who can act.
"""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from common.http_answer import HttpAnswer
from common.logging_setup import quoted
from common.weather import WeatherHour
from forecaster.weather_json import hours_of_arrays
from forecaster.weather_kma import error_said, hours_of_kma
from forecaster.weather_table import WeatherRefused, table_of, within

MOST_BYTES = 2 * 1024 * 1024  # a year and a week by the hour, as JSON or CSV, are half of it
_KMA = re.compile(rb'\{\s*"response"\s*:')
_PAGE = "a web page came; is a login page of the network (captive portal) or a proxy on the way?"


def hours_of(answer: HttpAnswer, zone: tzinfo, now: datetime) -> list[WeatherHour]:
    """The hours that are to be kept, as they are known now. `zone`: of a CSV's times without an offset.

    Raises:
        WeatherRefused: there are none; says why.
    """
    text = _body_of(answer)
    if text.startswith(b"{"):
        hours = hours_of_kma(text, now) if _KMA.match(text) else hours_of_arrays(text, now)
    elif text.startswith(b"["):
        raise WeatherRefused("it holds a list; name one place in weather.url")
    elif text.startswith(b"<"):
        said = error_said(text)
        raise WeatherRefused(f"the weather service says {said}" if said else _PAGE)
    else:
        hours = table_of(text, zone, now, now).hours
    return within(hours, now)


def _body_of(answer: HttpAnswer) -> bytes:
    """The whole body of a good answer.

    Raises:
        WeatherRefused: it is none.
    """
    status = answer.status
    if status is None:
        raise WeatherRefused(f"no answer from the weather service: {answer.problem}")
    text = answer.body.removeprefix(b"\xef\xbb\xbf").strip()
    if status in (401, 403):
        raise WeatherRefused(f"the weather service refuses with {status}; look at weather.url and its key")
    if 300 <= status < 400:
        raise WeatherRefused(f"the weather service redirects with {status}; correct weather.url")
    if status != 200:
        said = "" if text.startswith(b"<") or not text else f": {quoted(text.decode('utf-8', 'replace'))}"
        raise WeatherRefused(f"the weather service answered {status}{said}")
    if len(answer.body) > MOST_BYTES:
        raise WeatherRefused(f"its answer is larger than {MOST_BYTES // 2**20} MiB; ask for fewer days in weather.url")
    if not text:
        raise WeatherRefused("its answer is empty")
    if not answer.ends and not text.startswith((b"{", b"[", b"<")) and not answer.body.endswith(b"\n"):
        raise WeatherRefused("its answer broke off: the last line has no end")
    return text
