"""Why a file is refused: every message names the file, the row and the column where they are known."""

from common.errors import HydrologError


class HistoryRefused(HydrologError):
    """The file does not contain recorded values as described."""


class CellRefused(Exception):
    """A cell's text does not mean what its column should hold; the reader adds file, row and column."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(problem)
        self.text = text
        self.problem = problem
