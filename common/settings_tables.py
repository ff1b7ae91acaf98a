"""Tables of settings as dataclasses: types converted, values checked, wrong keys named."""

import dataclasses
import os
import sys
from pathlib import Path
from typing import Any, cast, get_args, get_origin, get_type_hints

from common.errors import SettingsError
from common.settings_checks import Check

MOST = sys.float_info.max  # larger whole numbers, and those that are none, are no numbers to compute with
MOST_NAME_BYTES = 255  # of one name in a path, on every usual disk


def file_name_problem(value: str) -> str | None:
    """What no path can hold; None if nothing is wrong."""
    if "\0" in value:
        return "must be a path without NUL characters"
    longest = max((len(os.fsencode(part)) for part in Path(value).parts), default=0)
    return f"has a name of {longest} bytes; {MOST_NAME_BYTES} are possible" if longest > MOST_NAME_BYTES else None


def put_text(raw: dict[str, Any], section: type[Any], path: str, text: str, variable: str) -> None:
    """Put a variable's text into the raw table, or its subtable, according to its name."""
    key, separator, rest = path.partition(".")[2].partition("__")
    kind = get_type_hints(section).get(key)
    if kind is None or dataclasses.is_dataclass(kind) is not bool(separator):
        raise SettingsError(variable, f"there is no key {path.replace('__', '.')}")
    if separator:
        table = raw.setdefault(key, {})
        if isinstance(table, dict):  # otherwise its type is refused later
            put_text(table, kind, f"{key}.{rest}", text, variable)
        return
    raw[key] = _from_text(kind, text, variable)


def _from_text(kind: Any, text: str, variable: str) -> Any:
    try:
        if kind is int:
            return int(text)
        if kind is float:
            return float(text)
    except ValueError:
        raise SettingsError(variable, f"must be a number, is {text!r}") from None
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if get_origin(kind) is tuple:
        return [_from_text(get_args(kind)[0], part.strip(), variable) for part in text.split(",") if part.strip()]
    return text


def read_table(name: str, kind: type[Any], raw: dict[str, Any]) -> Any:
    """A table as the dataclass `kind`, each value converted and checked.

    Raises:
        SettingsError: names the first key that is unknown or wrong.
    """
    hints = get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for entry, value in raw.items():
        where = f"{name}.{entry}"
        if entry == "token":
            raise SettingsError(
                where, "a token does not belong in the settings; put it in a file and name it in token_file"
            )
        if entry not in fields:
            raise SettingsError(where, f"unknown key; {name} has {', '.join(fields)}")
        values[entry] = _convert(where, hints[entry], value)
        check: Check | None = fields[entry].metadata.get("check")
        if check and (problem := check(values[entry])):
            raise SettingsError(where, problem)
    return kind(**values)


def _convert(where: str, kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return read_table(where, cast("type[Any]", kind), value)
    if get_origin(kind) is tuple and dataclasses.is_dataclass(part := get_args(kind)[0]) and isinstance(value, list):
        return tuple(_convert(f"{where}[{number}]", part, each) for number, each in enumerate(value, 1))
    if kind is Path and isinstance(value, str) and value:
        if problem := file_name_problem(value):
            raise SettingsError(where, problem)
        return Path(value)
    if get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_convert(where, get_args(kind)[0], each) for each in value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST:
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    if dataclasses.is_dataclass(kind):
        raise SettingsError(where, "must be a table")  # what stands there may be an address with its password
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text in quotes",
        Path: "a path in quotes",
    }
    # Where a text is wanted, the value may hold an address with its password.
    shown = f"is {value!r}" if kind in (bool, int, float) else "is something else"
    raise SettingsError(where, f"must be {names.get(kind, 'a list of texts')}, {shown}")
