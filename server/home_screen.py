"""What a phone needs to put the page on its home screen."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.messages import message
from server.access import answers

NAME = message("{site}: flow and pressure")
GROUND = "#f2f4f7"  # of the page, while it opens


async def manifest(request: Request) -> Response:
    """The endpoint `manifest.webmanifest`; its addresses are relative, so it is of the folder that it comes from."""
    reader, site = answers.reader(request), request.state.access.site.id
    icons = [_icon("icon-192.png", 192), _icon("icon-512.png", 512), _icon("icon-whole.png", 512, "maskable")]
    content = {
        "name": reader.words.say(NAME, site=site),
        "short_name": site,
        "lang": reader.language,
        "start_url": ".",
        "scope": ".",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": GROUND,
        "icons": icons,
    }
    return JSONResponse(content, media_type="application/manifest+json")


def _icon(name: str, size: int, purpose: str = "any") -> dict[str, Any]:
    return {"src": f"static/{name}", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
