"""Lists that are too long for one page, and searched. Pure."""

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

MOST_DIGITS = 5
MOST_SOUGHT = 80  # characters

T = TypeVar("T")


class Paged(NamedTuple, Generic[T]):
    """One page of a list: what is on it, its number from 1, and how many there are."""

    shown: Sequence[T]
    page: int
    pages: int


def searched(query: Mapping[str, str]) -> str:
    """The text that a list is searched for; all of it for an empty one."""
    return query.get("q", "").strip()[:MOST_SOUGHT]


def fits(search: str, *texts: str) -> bool:
    """Whether a row has the text in one of its own, however its letters are written."""
    return search.casefold() in " ".join(texts).casefold()


def page_asked(query: Mapping[str, str]) -> int:
    """The page that is asked for; the first for what is not understood."""
    text = query.get("page", "").strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0
    return max(1, number)


def paged(whole: Sequence[T], wanted: int, rows: int) -> Paged[T]:
    """The page `wanted` of `rows` each; the last if there are fewer."""
    pages = max(1, -(-len(whole) // rows))
    page = min(wanted, pages)
    return Paged(whole[(page - 1) * rows : page * rows], page, pages)
