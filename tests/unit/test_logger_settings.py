"""Which sensors are loggers of which zone: as it is written in the settings, and what is wrong with it."""

from pathlib import Path
from typing import Any

import pytest

from cli import checks_loggers
from common.clock import minute_start
from common.errors import SettingsError
from common.loggers import Area, area_of, read_loggers
from common.settings import load
from common.zones import read_zones
from log import mark
from log.mark import Mark

T = 28_744_293  # 2024-08-26T16:33:00+09:00
ZONES = read_zones({"zone_a": "001 + 002 - 003"}, ())


def test_loggers_stand_in_a_zone_or_behind_a_meter() -> None:
    found = read_loggers({"zone_a": "101  102", "004": "103"}, ZONES)
    assert found == {"zone_a": Area("zone_a", ("001", "002"), ("101", "102")), "004": Area("004", ("004",), ("103",))}
    assert area_of("102", found) == found["zone_a"] and area_of("001", found) is None


def test_they_are_read_from_the_environment_as_zones_are() -> None:
    assert load(None, {"HYDROLOG_LOGGERS__004": "101 102"}).loggers["004"].loggers == ("101", "102")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"zone_a": ""}, "blanks between"),
        ({"zone_a": "101, 102"}, "blanks between"),
        ({"zone_a": ["101"]}, "in quotes"),
        ({"zone": {"a": "101"}}, "with a dot"),
        ({"a zone": "101"}, "no name of a zone"),
        ({"구역": "101"}, "no name of a zone"),
        ({"zone_a": "101 101"}, "twice"),
        ({"zone_a": " ".join(f"m{n}" for n in range(65))}, "at most 64"),
        ({"004": "zone_a"}, "is a zone, which has no pressure"),
        ({"zone_a": "101 002"}, "002 is the inlet itself"),
        ({"004": "004"}, "004 is the inlet itself"),
        ({"zone_a": "101", "004": "101"}, "already; write it at the smaller"),
    ],
)
def test_what_is_wrong_is_named(raw: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        read_loggers(raw, ZONES)
    assert "\n" not in str(refused.value) and str(refused.value).startswith("loggers.")


@pytest.mark.parametrize(
    ("named", "sensors", "words"),
    [
        ("zone_a", {}, "0 of 2 are watched; not learnt yet: 101, 102 (eight weeks"),
        ("zone_a", {"101": T, "102": T}, "the pressure of 001, 002"),
        ("zone_a", {"001": T, "101": T}, "no row of 102 in the last days"),
        ("zone_b", {"101": T, "102": T}, "zone_b is no zone of the settings (zone_a), and no meter"),
        ("004", {"004": T, "101": T, "102": T}, "with the flow of 004 and the pressure of 004"),
    ],
)
def test_the_check_says_what_loggers_lack(tmp_path: Path, named: str, sensors: dict[str, int], words: str) -> None:
    environ = {"HYDROLOG_PATHS__DATA": str(tmp_path), "HYDROLOG_ZONES__ZONE_A": "001 + 002 - 003"}
    mark.store(tmp_path, Mark(T, 0, "log", sensors))
    chosen = load(None, environ | {f"HYDROLOG_LOGGERS__{named.upper()}": "101 102"})
    (found,) = checks_loggers.loggers(chosen, minute_start(T))
    assert words in found.text
    assert found.ok == ("watched" in found.text)
