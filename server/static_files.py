"""The page's scripts, styles and pictures, kept in memory with their tags and compressed."""

import gzip
import hashlib
from importlib import resources
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from server.door import NOTHING_HERE

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "png": "image/png"}


class _File(NamedTuple):
    media_type: str
    body: bytes
    gzipped: bytes
    etag: str


class StaticFiles:
    """The endpoint `static/NAME`."""

    def __init__(self) -> None:
        self._files = {
            entry.name: _loaded(entry.name, entry.read_bytes())
            for entry in resources.files("server").joinpath("page").iterdir()
        }

    async def __call__(self, request: Request) -> Response:
        return self._answer(request, request.path_params["name"])

    async def worker(self, request: Request) -> Response:
        """The endpoint `worker.js`: a worker serves the folder that it comes from."""
        return self._answer(request, "worker.js")

    def _answer(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            return PlainTextResponse(NOTHING_HERE, 404)
        headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.gzipped, media_type=file.media_type, headers=headers | {"Content-Encoding": "gzip"})
        return Response(file.body, media_type=file.media_type, headers=headers)


def _loaded(name: str, body: bytes) -> _File:
    media_type = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return _File(media_type, body, gzip.compress(body, 6, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:16]}"')
