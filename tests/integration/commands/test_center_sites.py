"""`hydrolog sites zone` and `hydrolog check` in a center."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from night_center import MINUTE, TOPIC, NightCenter
from night_site import EVENING, MORNING, NIGHT

from cli import checks, checks_log, checks_server, checks_sites, sites, tail
from common.errors import SettingsError
from common.folder import LOG_FILE
from common.settings import load
from common.settings_checks import NO_LOG
from common.site_claims import OVERDUE


@pytest.fixture
def center(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NightCenter]:
    with contextlib.closing(NightCenter(database_url, tmp_path)) as made:
        for name, value in made.environ().items():
            monkeypatch.setenv(name, value)
        (tmp_path / "center").mkdir()
        made.add("rome")
        yield made


def test_a_site_has_the_clock_that_an_engineer_gives_it(
    center: NightCenter, capsys: pytest.CaptureFixture[str]
) -> None:
    center.delivered("rome", EVENING, MORNING)
    worker = center.worker()
    worker.step(MORNING - timedelta(hours=2))  # its night by the clock of Seoul is not over
    for zone, said in (
        ([], "Asia/Seoul (default)"),
        (["Europe/Rome"], "Europe/Rome"),
        ([], "Europe/Rome"),
        (["default"], "Asia/Seoul (default)"),
        (["Europe/Rome"], "Europe/Rome"),
    ):
        assert sites.run(["zone", "rome", *zone]) == 0
        assert capsys.readouterr().out == f"rome has the clock of {said}\n"
    worker.step(MORNING)
    assert center.reports() == {}
    center.delivered("rome", MORNING, MORNING + timedelta(hours=8))
    worker.step(MORNING + timedelta(hours=8))
    assert center.reports() == {("rome", NIGHT): 290}


@pytest.mark.parametrize(("site", "zone"), [("rome", "Rome"), ("nowhere", "Europe/Rome"), ("nowhere", None)])
def test_a_site_or_a_zone_that_is_not_there_is_refused(center: NightCenter, site: str, zone: str | None) -> None:
    with pytest.raises(SettingsError):
        sites.run(["zone", site, *([zone] if zone else [])])
    assert center.connection.execute("SELECT timezone FROM SITE_TB").fetchall() == [(None,)]


@pytest.mark.parametrize(("work", "name", "program"), checks_sites.WORKS)
def test_check_says_whether_somebody_does_the_work(work: str, name: str, program: str, center: NightCenter) -> None:
    def found() -> list[tuple[bool, str]]:
        said = checks_sites.of_sites(load(None, center.environ("center")), MORNING + OVERDUE + MINUTE)
        return [(each.ok, each.text) for each in said if each.subject == name]

    assert found() == [(False, f"nobody does them; start {program} on a machine of the center")]
    come = "INSERT INTO SITE_WORK_TB (work, site, next_at) VALUES (%s, 'rome', %s)"
    center.connection.execute(come, (work, MORNING + 2 * OVERDUE))
    assert found() == [(True, "of 1 sites; the rows of 0 are awaited for 3 hours")]
    center.connection.execute("UPDATE SITE_WORK_TB SET failed = 1")
    assert "site_work_failed" in found()[0][1]
    center.connection.execute("UPDATE SITE_WORK_TB SET next_at = %s", (MORNING,))
    assert found()[0][1].startswith(f"1 of 1 sites are overdue; start {program}")
    box = load(None, {"HYDROLOG_DATABASE__URL": center.url})
    assert list(checks_sites.of_sites(box, MORNING)) == []


def test_check_of_a_center_that_no_site_has_delivered_to_misses_nobody(center: NightCenter) -> None:
    center.connection.execute("DELETE FROM SITE_TB")
    said = [(each.ok, each.text) for each in checks_sites.of_sites(load(None, center.environ("center")), MORNING)]
    assert said == [(True, "none to do: no site has delivered yet")] * len(checks_sites.WORKS)


def test_check_of_a_center_looks_for_the_sensors_of_all_sites(center: NightCenter) -> None:
    def found(url: str) -> dict[str, tuple[bool, str]]:
        chosen = load(None, center.environ("center") | {"HYDROLOG_LOG__URL": url})
        looks = (checks.port, checks_server.server, checks_server.receiver, checks.tables)
        each = [said for look in looks for said in look(chosen, MORNING)]
        return {said.subject: (said.ok, said.text) for said in each if said.subject not in ("database", "tables")}

    assert found(NO_LOG) == {"sensors": (True, "none yet; each is registered with its first row")}
    center.delivered("rome", EVENING, MORNING)
    for url in (NO_LOG, TOPIC):
        assert found(url) == {"sensors": (True, "1 registered")}


def test_check_of_a_center_without_a_log_says_so_and_passes_nothing_on(
    center: NightCenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = center.environ("center") | {"HYDROLOG_LOG__URL": NO_LOG}
    (said,) = checks_log.log(load(None, environ), MORNING)
    assert (said.ok, said.text) == (True, "none; hydrolog-server stores what boxes deliver")
    monkeypatch.setenv("HYDROLOG_LOG__URL", NO_LOG)
    with pytest.raises(SettingsError, match='is "none": there is no log here'):
        tail.run([])
    (tmp_path / "center" / LOG_FILE).touch()
    (said,) = checks_log.log(load(None, environ), MORNING)
    assert not said.ok and said.text.endswith("rows of a box that nobody reads; give the center an empty data folder")
    (said,) = checks_server.receiver(load(None, environ | {"HYDROLOG_RECEIVER__INTO": "log"}), MORNING)
    assert (said.ok, said.text) == (False, 'receiver.into = "log" needs a cluster in log.url')
