"""The settings in use as TOML, without secrets: for a backup and for the support."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from common import masking
from common.loggers import SECTION as LOGGERS
from common.settings import Settings
from common.zones import SECTION as ZONES

SECRET_KEYS = {"alerts.urls", "alerts.people", "database.url", "server.proxy", "weather.proxy"}  # their whole values


def settings_text(chosen: Settings, secrets: set[str]) -> str:
    """Every key that differs from its default; a secret one as a comment."""
    sections = []
    for section in dataclasses.fields(chosen):
        if section.name in (ZONES, LOGGERS):
            continue
        value = getattr(chosen, section.name)
        usual = type(value)()
        lines = [
            f"# {key.name} = a secret, not written here"
            if f"{section.name}.{key.name}" in SECRET_KEYS
            else f"{key.name} = {_toml(getattr(value, key.name))}"
            for key in dataclasses.fields(value)
            if getattr(value, key.name) != getattr(usual, key.name)
        ]
        if lines:
            sections.append("\n".join([f"[{section.name}]", *lines]))
    if chosen.zones:
        lines = [f"{_toml(zone.name)} = {_toml(zone.formula)}" for zone in chosen.zones.values()]
        sections.append("\n".join([f"[{ZONES}]", *lines]))
    if chosen.loggers:
        lines = [f"{_toml(area.name)} = {_toml(' '.join(area.loggers))}" for area in chosen.loggers.values()]
        sections.append("\n".join([f"[{LOGGERS}]", *lines]))
    return masking.hide_all("\n\n".join(sections) + "\n", secrets)


def _toml(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        keys = [(key.name, getattr(value, key.name)) for key in dataclasses.fields(value)]
        return "{" + ", ".join(f"{name} = {_toml(each)}" for name, each in keys if each is not None) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
