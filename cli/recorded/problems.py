"""Why a file is refused: every message names the file, the row and the column where they are known."""

from common.errors import HydrologError


class HistoryRefused(HydrologError):
    """The file does not contain recorded values as described."""
