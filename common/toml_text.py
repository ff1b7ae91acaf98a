"""A TOML file that somebody has written, perhaps with an editor that puts a mark in front of it."""

import tomllib
from pathlib import Path
from typing import Any


def read_toml(path: Path) -> dict[str, Any]:
    """Its keys.

    Raises:
        OSError: it cannot be read.
        ValueError: what is wrong with it, to be said behind its name.
    """
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError("is not TOML: its text is not UTF-8; save it as UTF-8") from error
    except RecursionError as error:
        raise ValueError("is not TOML: its tables or lists have no end") from error
    except ValueError as error:
        raise ValueError(f"is not TOML: {error}") from error
