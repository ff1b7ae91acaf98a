"""What a text means, worked out once: the texts of a file repeat."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_REMEMBERED = 200_000  # texts; a day has 86,400 seconds


class Memo(dict[str, T], Generic[T]):
    """The meaning of each text that was seen, by `read`."""

    def __init__(self, read: Callable[[str], T]) -> None:
        self.read = read

    def __missing__(self, text: str) -> T:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        self[text] = meaning = self.read(text)
        return meaning
