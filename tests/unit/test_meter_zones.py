"""A meter with a zone of its own among others: which minute its readings belong to."""

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from common.errors import SettingsError
from common.meters import Format, SensorLimits
from common.settings import LineSettings
from producer.ascii import frame_of
from producer.intake import ReadingSink
from producer.line import SerialLine
from producer.minute import Minutes
from producer.protocols import check_meters, intake_for
from producer.site_time import ClockSample, SiteTime

SEOUL = ZoneInfo("Asia/Seoul")
NOW_S = 1724657580.0  # 2024-08-26T16:33:00+09:00
FORM = Format(fields=("sensor", "time", "flow"), time="%d.%m.%Y %H:%M:%S")
OWN = (SensorLimits("utc", zone="UTC"), SensorLimits("kiev", zone="Europe/Kyiv"))
CLOCKS = {"site": "16:33:00", "utc": "07:33:00", "kiev": "10:33:00"}


def taken(line: LineSettings, chunk: bytes) -> tuple[dict[str, list[int]], Counter[str]]:
    """The open minutes of each sensor, relative to now, and what was refused."""
    refused: Counter[str] = Counter()
    minutes = Minutes(5.0)
    door = ReadingSink(SiteTime(ClockSample(NOW_S, 0.0), 0), minutes, refused, settings=line, zone=SEOUL)

    class Line:
        def understood(self) -> None:
            """A frame came."""

    nobody: SerialLine = Line()  # type: ignore[assignment]
    intake_for(line, door, ZoneInfo(line.zone) if line.zone else SEOUL, nobody).take(chunk, 0.0)
    found: dict[str, list[int]] = {}
    for minute, sensors in minutes.to_state()["open"].items():
        for sensor in sensors:
            found.setdefault(sensor, []).append(int(minute) - int(NOW_S // 60))
    return found, refused


@pytest.mark.parametrize("protocol", ["ascii", "described"])
def test_each_meter_is_read_in_its_own_zone(protocol: str) -> None:
    line = LineSettings(protocol=protocol, format=FORM, sensors=OWN)
    if protocol == "ascii":
        chunk = b"".join(frame_of(f"{name},2024-08-26T{clock},8.02,".encode()) for name, clock in CLOCKS.items())
    else:
        chunk = b"first\r\n" + b"".join(
            f"{name},26.08.2024 {clock},8.02\r\n".encode() for name, clock in CLOCKS.items()
        )
    assert taken(line, chunk) == ({name: [0] for name in CLOCKS}, Counter())


def test_a_time_with_an_offset_needs_no_zone_and_a_wrong_frame_is_refused_once() -> None:
    line = LineSettings(sensors=OWN, zone="America/New_York")
    frames = frame_of(b"utc,2024-08-26T16:33:00+09:00,8.02,") + frame_of(b"utc,2024-08-26T99:00:00,8.02,")
    found, refused = taken(line, frames + frame_of(b"other,2024-08-26T03:33:00,8.02,"))
    assert found == {"utc": [0], "other": [0]}
    assert refused == Counter(time=1)


@pytest.mark.parametrize(
    ("sensors", "protocol", "said"),
    [
        ((SensorLimits("a"), SensorLimits("a")), "ascii", "line.sensors[2].sensor: a has a table already"),
        ((SensorLimits(zone="UTC"),), "ascii", "line.sensors[1].sensor: is missing"),
        ((SensorLimits("a", zone="UTC"),), "modbus", "line.sensors[1].zone: is for meters that send their time"),
    ],
)
def test_tables_of_sensors_that_mean_nothing_are_refused(
    sensors: tuple[SensorLimits, ...], protocol: str, said: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        check_meters(LineSettings(protocol=protocol, sensors=sensors))
    assert said in str(refused.value)
