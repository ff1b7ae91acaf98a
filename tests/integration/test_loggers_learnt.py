"""Loggers from a real database: a sensor without a flow gets criteria as a logger of its zone, and only as one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from archive_rows import store
from logger_site import zone_rows
from outlier_site import LEARN_DAYS, START

from cli import criteria as command
from cli import shell
from cli.checks_detectability import found_texts
from cli.checks_loggers import loggers
from common.clock import FixedClock, minute_start
from common.loggers import read_loggers
from common.settings import Settings
from outliers import criteria as stored
from outliers.learn.build import History

MakeSettings = Callable[..., Settings]
END = minute_start(START + LEARN_DAYS * 1440)


@pytest.fixture(scope="module")
def seventy_days(filled_url: str) -> None:
    """The rows of an inlet, and of two loggers behind it, one of them new."""
    rows = zone_rows(LEARN_DAYS)
    none, new = np.full(len(rows.inlet.flow), np.nan), rows.loggers["102"].copy()
    new[: 20 * 1440] = np.nan
    register = "INSERT INTO SENSOR_TB (sensor) VALUES ('001'), ('101'), ('102') ON CONFLICT DO NOTHING"
    for sensor, its in (
        ("001", rows.inlet),
        ("101", History(rows.first, none, rows.loggers["101"])),
        ("102", History(rows.first, none, new)),
    ):
        store(filled_url, its, register, lambda _, flow: "M000" if np.isnan(flow) else "0000", sensor)


@pytest.fixture
def site(
    seventy_days: None, database_url: str, settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    settings = settings_for(database__url=database_url, site__timezone="UTC")
    monkeypatch.setattr(shell, "site_clock", lambda _: FixedClock(END))
    environ = {"DATABASE__URL": database_url, "SITE__TIMEZONE": "UTC", "PATHS__DATA": str(settings.paths.data)}
    for name, value in environ.items():
        monkeypatch.setenv(f"HYDROLOG_{name}", value)
    return replace(settings, loggers=read_loggers({"001": "101 102"}, {}))


def test_a_logger_without_a_flow_is_learnt_with_its_inlet(
    site: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = site.paths.data / "criteria"
    assert command.run(["rebuild", "--take", "--sensor", "101"]) == 1
    assert "only 0.0 clean weeks of flow for 101" in capsys.readouterr().out

    monkeypatch.setenv("HYDROLOG_LOGGERS__001", "101 102")
    assert command.run(["rebuild", "--take"]) == 1
    said = capsys.readouterr().out
    assert "as a logger of" in said and "1.00 × 001" in said and "clean weeks of flow for 102" in said
    taken = stored.load(folder, "101")
    assert taken is not None and taken.logger is not None and taken.use is None
    assert taken.logger.slope_bar == pytest.approx(-0.15, rel=0.05)
    assert (taken.first, taken.last, taken.clean_weeks) == ("2022-01-10", "2022-03-20", 10.0)
    assert 0 < taken.pressure.low < 4.0
    inlet = stored.load(folder, "001")
    assert inlet is not None and inlet.use is not None and inlet.logger is None

    assert [sensor for sensor, _ in found_texts(site, ("001", "101"))] == ["001"]
    (line,) = loggers(site, END)
    assert line.ok and line.text.startswith("1 of 2 are watched; not learnt yet: 102 (eight weeks")
    assert command.run(["show"]) == 0
