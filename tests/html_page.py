"""What a page makes a browser fetch: the addresses in its tags, and not those that a script's text mentions."""

from html.parser import HTMLParser


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fetched = ("src", "href") if tag != "a" else ()
        self.addresses += [value or "" for name, value in attrs if name in fetched]


def fetched_by(page: str) -> list[str]:
    """Every address that the page's tags name, but for the links that a person follows."""
    tags = _Tags()
    tags.feed(page)
    return tags.addresses
