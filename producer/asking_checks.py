"""Wrong combinations of the keys of meters that are asked in text, refused before anything is touched."""

import re
from dataclasses import replace

from common.errors import SettingsError
from common.meters import Format
from common.settings import LineSettings
from producer.described import Described
from producer.described_checks import names_sensors

QUIET_S = 0.1  # an answer is over when nothing comes for so long


def forms_of(line: LineSettings) -> list[Format]:
    """How the answers of each meter are described: where they name no sensor, it is the meter's."""
    named = names_sensors(line.format)
    return [
        line.format if named or not meter.sensor else replace(line.format, sensor=meter.sensor)
        for meter in line.ask.meters
    ]


def check_questions(line: LineSettings) -> None:
    """Refuse wrong combinations of keys.

    Raises:
        SettingsError: names the key.
    """
    meters = line.ask.meters
    if not meters:
        return
    if line.protocol != "described":
        raise SettingsError("line.ask.meters", f'needs protocol = "described", is {line.protocol!r}')
    for number, (meter, form) in enumerate(zip(meters, forms_of(line), strict=True), 1):
        where = f"line.ask.meters[{number}]"
        if not meter.text:
            raise SettingsError(f"{where}.text", "is missing: what is sent to the meter")
        if meter.text in (other.text for other in meters[: number - 1]):
            raise SettingsError(f"{where}.text", f"{meter.text!r} is asked already: a meter needs its own question")
        if not names_sensors(form) and not form.sensor:
            raise SettingsError(f"{where}.sensor", "is missing, and the answers do not name a sensor")
        if not form.start and re.fullmatch(r"[0-9+.,; -]*", meter.text):
            raise SettingsError(
                f"{where}.text",
                f"{meter.text!r} looks like a part of an answer, if the line returns it; write what ends the question "
                'too, like "\\r"',
            )
        Described(form)
    _check_round(line)


def _check_round(line: LineSettings) -> None:
    pause_s = max(line.ask.pause_seconds, QUIET_S)
    characters = sum(len(meter.text) for meter in line.ask.meters)
    on_network = line.url.startswith("socket://")  # then the speed is set in the gateway
    takes_s = len(line.ask.meters) * pause_s + (0 if on_network else characters * 10 / line.baudrate)
    if takes_s > line.ask.poll_seconds:
        raise SettingsError(
            "line.ask.poll_seconds",
            f"asking all meters takes at least {takes_s:.1f} s, pauses included, but the next round comes after "
            f"{line.ask.poll_seconds:g} s; write at least {int(takes_s * 1.5) + 1}",
        )
