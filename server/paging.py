"""Lists that are too long for one page. Pure."""

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

MOST_DIGITS = 5

T = TypeVar("T")


class Paged(NamedTuple, Generic[T]):
    """One page of a list: what is on it, its number from 1, and how many there are."""

    shown: Sequence[T]
    page: int
    pages: int


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
