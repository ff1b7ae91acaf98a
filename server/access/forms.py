"""Forms: where they may come from, and their fields."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.types import Message, Receive

from common.errors import HydrologError
from common.messages import message

MEDIA_TYPE = "application/x-www-form-urlencoded"
MOST_BYTES = 64 * 1024  # the largest form has some notes of 500 characters
MOST_FIELDS = 200
BODY_TIMEOUT_S = 30.0  # a slower body blocks a place that others need

ELSEWHERE = message("This form came from another site, and was not taken.")
OUT_OF_DATE = message("This form is out of date. Go back, load the page again, and send it once more.")
TOO_LARGE = message("This is too much text for a form.")
NO_FORM = message("This is not a form of this page.")

Fields = ImmutableMultiDict[str, str]


class FormRefused(HydrologError):
    """The form is not taken; the message is a sentence for the catalogues."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def is_from_here(headers: Mapping[str, str]) -> bool:
    """Whether a page of this server sends the request, as far as the browser says.

    Browsers send Sec-Fetch-Site only by TLS and to this machine, Origin with every POST. Other programs send neither.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return bool(origin) and urlsplit(origin).hostname == urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return False


async def read(request: Request) -> tuple[bytes, Fields]:
    """The body, and the fields of the form in it.

    Raises:
        FormRefused: it is none, too large or too slow.
        ClientDisconnect: the browser is gone.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise FormRefused(415, NO_FORM)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise FormRefused(413, TOO_LARGE)
    except TimeoutError as error:
        raise FormRefused(408, NO_FORM) from error
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:  # not ASCII, or too many fields
        raise FormRefused(400, NO_FORM) from error
    return bytes(body), ImmutableMultiDict(fields)


def again(body: bytes, receive: Receive) -> Receive:
    """Gives the body once more, and then what really comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return left.pop() if left else await receive()

    return received
