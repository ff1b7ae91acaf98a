"""The decimal mark and the mark between thousands, from a file's numbers."""

import re
from collections.abc import Sequence
from typing import Any

_NUMBER = re.compile(r"[+-]?\d[\d., ']*")
_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")


def marks_of(keys: dict[str, Any], lacks: list[str], cells: Sequence[str]) -> None:
    """Put decimal and thousands into the keys of a description, or say what to write."""
    numbers = [cell.strip() for cell in cells if _NUMBER.fullmatch(cell.strip())]
    both = [number for number in numbers if "," in number and "." in number]
    commas = [number for number in numbers if "," in number and "." not in number]
    dots = [number for number in numbers if "." in number and "," not in number]
    if both:
        keys["decimal"] = max(both[0], key=lambda mark: both[0].rfind(mark) if mark in ",." else -1)
        keys["thousands"] = "." if keys["decimal"] == "," else ","
    elif commas and dots:
        if all(_GROUPS.fullmatch(number) for number in commas):
            keys["thousands"] = ","
        else:
            lacks.append(f'{commas[0]!r} and {dots[0]!r}: write decimal = "," or decimal = "."')
    elif commas and all(_GROUPS.fullmatch(number) for number in commas):
        lacks.append(f'{commas[0]!r} may have a decimal comma or thousands; write decimal = "," or thousands = ","')
    elif commas:
        keys["decimal"] = ","
