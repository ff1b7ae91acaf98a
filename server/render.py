"""Templates: HTML from values, every value escaped, every word in the reader's language."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from common.messages import Catalogue, words
from common.units import CHOICES
from server.reader import Reader
from server.script_words import sentences


@functools.cache
def environment() -> Environment:
    """The templates. A value that is not given is an error, never an empty text."""
    return Environment(
        loader=PackageLoader("server", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def part(name: str, reader: Reader, /, **values: Any) -> Markup:
    """One template as HTML."""
    units = {"flow_unit": reader.units.flow.name, "pressure_unit": reader.units.pressure.name}
    return Markup(environment().get_template(name).render(**_words(reader.words), **units, reader=reader, **values))


def answer(request: Request, name: str, reader: Reader, status: int = 200, /, **values: Any) -> HTMLResponse:
    """A whole page. Every template may use `request`, `user` and `csrf_field()`."""
    user = getattr(request.state, "user", None)

    @functools.cache
    def token() -> str:
        """One for all forms of the page: each is new, so several would not be compressed."""
        told: str = request.state.visit.token()
        return told

    whole = part(
        name,
        reader,
        request=request,
        user=user,
        csrf_field=lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(token()),
        script_words=_script_words(reader.language),
        choices=CHOICES,
        units={channel: reader.units.of(channel)._asdict() for channel in CHOICES},
        **values,
    )
    return HTMLResponse(whole, status, headers={"Vary": "Accept-Language, Cookie"})


def _words(known: Catalogue) -> Mapping[str, Any]:
    """`t` and `tn` of the templates: escaped values in a sentence that may itself hold a sign of HTML."""

    def say(english: str, **values: object) -> Markup:
        return escape(known.say(english, **values))

    def many(one: str, more: str, count: int) -> Markup:
        return escape(known.many(one, more, count))

    return {"t": say, "tn": many}


@functools.cache
def _script_words(language: str) -> Markup:
    """The words of the scripts as JSON that cannot end the element around it: the forms of each by its English."""
    known = {each[0]: words(language).forms(*each) for each in sentences()}
    return Markup(json.dumps(known, ensure_ascii=False).replace("<", "\\u003c"))
