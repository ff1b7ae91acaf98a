"""Around the application of a port of TLS: a client of plain HTTP hears where the page is, and nothing of the page."""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from common.messages import LANGUAGES, message, words
from server.door import is_ours

READS = {"GET", "HEAD"}
ONLY_HTTPS = message("This server speaks {protocol} only: begin the address with {start}")


class ToHttps:
    """`names`: those that the server answers to."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names
        values = {"protocol": "HTTPS", "start": "https://"}
        self._text = "".join(f"{words(language).say(ONLY_HTTPS, **values)}\n" for language in LANGUAGES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = self._app if scope["scheme"] == "https" else self._answer(scope)
        await way(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        """A redirect for a browser that asks for one of our names; what sends something has to be set right by people.

        A batch is not lost: its sender keeps it after a 421.
        """
        headers = {"Cache-Control": "no-store", "Connection": "close"}
        asked = Headers(scope=scope).getlist("host")
        if scope["method"] not in READS or len(asked) != 1 or not is_ours(asked[0], self._names):
            return PlainTextResponse(self._text, 421, headers)
        path = scope["raw_path"].decode("ascii")
        query = scope["query_string"].decode("ascii")
        place = (path if path.startswith("/") else "/") + (f"?{query}" if query else "")
        return PlainTextResponse(self._text, 308, {**headers, "Location": f"https://{asked[0]}{place}"})
