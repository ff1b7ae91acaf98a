"""What is no value never enters a mean; what is one always does."""

import threading
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import SettingsError
from common.meters import Format, Modbus, Register, SensorLimits
from common.settings import LineSettings, load
from producer.ascii import Reading, encode
from producer.described import Described
from producer.frames import Framer
from producer.intake import AsciiListener, ReadingSink
from producer.line import SerialLine
from producer.minute import Minutes
from producer.minute_mean import MinuteMean
from producer.plausible import USUAL_CODES, Plausible
from producer.site_time import ClockSample, SiteTime

ZONE = ZoneInfo("Asia/Seoul")
MINUTE = 28_744_293
NOW_S = MINUTE * 60.0 + 10


def row(readings: list[tuple[float | None, float | None]], line: LineSettings, *, fast: bool) -> MinuteMean:
    """The minute's row of one sensor, by the block reader or one by one."""
    minutes = Minutes(5.0)
    door = ReadingSink(SiteTime(ClockSample(NOW_S, 0.0), 0, given=True), minutes, Counter(), settings=line, zone=ZONE)
    if fast:
        listener = AsciiListener(Framer(door.refused), door, ZONE, SerialLine("/dev/null", 9600, threading.Event()))
        listener.take(b"".join(encode("001", NOW_S, flow, pressure, ZONE) for flow, pressure in readings))
    else:
        for flow, pressure in readings:
            door.take(Reading("001", NOW_S, flow, pressure))
    (mean,) = minutes.close(NOW_S + 300, 300.0, quiet=True)
    return mean


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("code", [9999.0, 65_535.0, 32_767.0, -9999.0, -999.9, 99_999.0])
def test_a_fault_code_in_a_minute_leaves_the_mean_of_the_others(code: float, fast: bool) -> None:
    found = row([(8.02, 4.11), (code, 4.11), (8.02, code), (8.02, 4.11)], LineSettings(), fast=fast)
    assert (found.flow, found.pressure, found.samples) == (8.02, 4.11, 4)
    only = row([(code, 4.11)], LineSettings(), fast=fast)
    assert (only.flow, only.pressure, only.samples) == (None, 4.11, 1)


@pytest.mark.parametrize("fast", [True, False])
def test_a_large_main_may_flow_like_a_code(fast: bool) -> None:
    found = row([(9_990.0, 4.0), (9_999.0, 4.0), (10_008.0, 4.0)], LineSettings(), fast=fast)
    assert found.flow == 9_999.0


@given(st.floats(0, 9_000).map(lambda flow: round(flow, 2)), st.floats(0, 40).map(lambda bar: round(bar, 2)))
def test_no_ordinary_value_is_a_code(flow: float, pressure: float) -> None:
    for fast in (True, False):
        found = row([(flow, pressure)], LineSettings(), fast=fast)
        assert (found.flow, found.pressure) == (flow, pressure)


@pytest.mark.parametrize("fast", [True, False])
def test_codes_and_limits_of_the_settings_count_by_channel_and_sensor(fast: bool) -> None:
    line = LineSettings(
        flow_no_value=(888.0,), flow_limits=(-5.0, 500.0), sensors=(SensorLimits("001", pressure_limits=(0.5, 10.0)),)
    )
    found = row([(888.0, 4.0), (501.0, 0.4), (-6.0, 10.5), (12.0, 6.0)], line, fast=fast)
    assert (found.flow, found.pressure, found.samples) == (12.0, 5.0, 4)


def test_what_is_rejected_is_counted_by_channel_and_reason() -> None:
    refused: Counter[str] = Counter()
    plausible = Plausible(LineSettings(flow_limits=(0.0, 50.0)), refused)
    assert plausible.flow("001", 9999.0, 8.0) is None
    assert plausible.flow("001", 51.0, 8.0) is None
    assert plausible.pressure("001", 700.0, None) is None
    assert plausible.flow("001", None, None) is None
    assert refused == {"flow-no-value": 1, "flow-limit": 1, "pressure-limit": 1}


def test_a_code_is_what_the_meter_sends_whatever_unit_the_settings_make_of_it() -> None:
    described = LineSettings(protocol="described", format=Format(flow_measure="L/s", flow_scale=0.1))
    assert Plausible(described, Counter()).flow("001", 9999 * 0.1 * 3.6, 20.0) is None
    assert Plausible(described, Counter()).flow("001", 9999.0, 20.0) == 9999.0
    registers = (
        Register("001", "flow", type="uint16", scale=0.01),
        Register("001", "pressure", address=2, type="float32", measure="kPa"),
    )
    polled = Plausible(LineSettings(protocol="modbus", modbus=Modbus(registers=registers)), Counter())
    assert polled.flow("001", 655.35, 20.0) is None
    assert polled.flow("001", 655.34, 20.0) == 655.34
    assert polled.pressure("001", 9999.900390625 * 0.01, 4.0) is None  # 9999.9 as a float32


@pytest.mark.parametrize("limits", ["[1]", "[5, 5]", "[7, 1]", "[1, 2, 3]", '["a", "b"]'])
def test_limits_that_are_none_are_refused(limits: str, tmp_path: Path) -> None:
    config = tmp_path / "hydrolog.toml"
    config.write_text(f"[line]\nflow_limits = {limits}\n")
    with pytest.raises(SettingsError, match=r"line\.flow_limits"):
        load(config, {})


def test_every_usual_code_is_far_from_a_pipe() -> None:
    assert all(abs(code) >= 999 for code in USUAL_CODES)


@pytest.mark.parametrize("measure", ["m3/h", "L/s", "gpm"])
def test_a_code_is_one_in_whatever_unit_stands_beside_it(measure: str) -> None:
    form = Format(fields=("flow", "flow_measure"), separator=" ", sensor="001")
    line = LineSettings(protocol="described", format=form, flow_no_value=(888.0,))
    described = Described(form)
    readings = [described.parse(f"{number} {measure}".encode(), ZONE, NOW_S) for number in ("10", "9999", "888", "20")]
    found = row([(reading.flow, 4.11) for reading in readings], line, fast=False)
    assert readings[0].flow is not None
    assert found.flow == pytest.approx(readings[0].flow * 1.5, abs=0.001)
