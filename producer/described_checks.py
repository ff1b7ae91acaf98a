"""Wrong combinations of the keys of a described line, refused before anything is touched."""

from typing import Any

from common.errors import SettingsError
from common.meters import FIELDS, Format
from common.time_text import keeps_minutes


def compiled(pattern: str) -> Any:
    """The expression, for bytes.

    Raises:
        SettingsError: it is not valid.
    """
    import re2  # noqa: PLC0415 - only for lines described by an expression

    options = re2.Options()
    options.log_errors = False  # it would print to standard error; the exception has the message
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        return re2.compile(pattern.encode("latin-1"), options)
    except UnicodeEncodeError as error:
        raise SettingsError("line.format.pattern", f"must be characters below U+0100, is {pattern!r}") from error
    except re2.error as error:
        raise SettingsError(
            "line.format.pattern", f"is not a valid RE2 expression: {as_text(error.args[0])}"
        ) from error


def field_names(form: Format) -> list[str]:
    """The fields of the body; in order, unless an expression names them."""
    return [as_text(name) for name in compiled(form.pattern).groupindex] if form.pattern else list(form.fields)


def names_sensors(form: Format) -> bool:
    """Whether a frame says whose it is."""
    return "sensor" in field_names(form)


def check_format(form: Format, names: list[str], overhead: int) -> None:
    """Refuse wrong combinations of keys. `overhead`: bytes of a frame beside its body.

    Raises:
        SettingsError: names the key.
    """
    _check_ends(form, overhead)
    _check_fields(form, names)
    _check_values(form, names)
    _check_time(form.time)


def _check_ends(form: Format, overhead: int) -> None:
    if form.length and form.end:
        raise SettingsError("line.format.end", 'frames of one length need no end mark: write end = "" beside length')
    if not form.length and not form.end:
        raise SettingsError(
            "line.format.end",
            "is empty, but it marks the end of a frame; if all frames have the same length, write it: length = 20",
        )
    if form.length and form.length <= overhead:
        raise SettingsError("line.format.length", f"must be more than the {overhead} bytes of marks and checksum")
    if form.checksum == "bcc" and not form.start and not form.length:
        raise SettingsError("line.format.start", 'is empty; with a check byte frames need one: start = "\\u0002"')
    if form.digits == "bcd" and not (form.length and form.pattern):
        raise SettingsError(
            f"line.format.{'pattern' if form.length else 'length'}",
            "is needed: packed digits may look like a mark, so only the frame's length and an expression such as "
            "'(?P<flow>.{4})(?P<pressure>.{2})' show where they are",
        )


def _check_fields(form: Format, names: list[str]) -> None:
    key = "line.format.pattern" if form.pattern else "line.format.fields"
    if form.pattern and form.fields:
        raise SettingsError("line.format.fields", "describes the body, and so does line.format.pattern: keep one")
    if wrong := next((name for name in names if name not in FIELDS), None):
        raise SettingsError(key, f"{wrong!r} is not a field; fields are {', '.join(FIELDS)}")
    if not {"flow", "pressure", "total"} & set(names):
        raise SettingsError(key, "names neither flow nor pressure nor total")
    if "flow" in names and "total" in names:
        raise SettingsError(key, 'names flow and total, from which the flow would be computed: name one "ignore"')
    if lone := next((name for name in names if name.removesuffix("_measure") not in names), None):
        raise SettingsError(key, f"names {lone}, but not {lone.removesuffix('_measure')}")
    if "sensor" not in names and not form.sensor:
        raise SettingsError("line.format.sensor", "is empty, and frames do not name a sensor")


def _check_values(form: Format, names: list[str]) -> None:
    if form.rolls_over_at and "total" not in names:
        raise SettingsError("line.format.rolls_over_at", "is only for a total")


def _check_time(form: str) -> None:
    if not keeps_minutes(form):
        raise SettingsError(
            "line.format.time",
            'must be "iso", "unix", "unix-ms" or a form with date, hour and minute like "%d.%m.%Y %H:%M:%S", '
            f'is {form!r}; for an incomplete time use the field "ignore"',
        )


def as_text(found: bytes | str) -> str:
    """What a pattern says or has found."""
    return found if isinstance(found, str) else found.decode("latin-1")
