"""`hydrolog report`: a month as PDF and as a workbook, as a user gets them."""

import sys
from pathlib import Path

import psycopg
import pypdfium2
import pytest
import report_site
from export_site import told
from report_site import MonthSite, read

from cli.__main__ import main
from cli.recorded import workbook
from common import database


def written(capfd: pytest.CaptureFixture[str], site: MonthSite, *words: str) -> str:
    path = site.folder / "report.pdf"
    code, _, err = told(capfd, "report", *words, "--pdf", str(path), "--config", str(site.config))
    assert code == 0, err
    return read(path.read_bytes())


def sheet(path: Path, name: str) -> list[list[str]]:
    with workbook.rows(path, name) as (found, _):
        return [*found]


def test_the_last_month_is_the_one_that_is_over(month_site: MonthSite, capfd: pytest.CaptureFixture[str]) -> None:
    text = written(capfd, month_site)
    assert "Leakage report, Aug 2024" in text and "Site demo." in text and "not over" not in text
    lost = text.index("2,170-2,790"), text.index("1,800")
    assert lost[0] < lost[1], "the largest first, and an estimate is a range"
    assert "31 of 31" in text and "30 of 31" in text and "0 of 31" in text
    assert "1,953,000-2,511,000" in text and "KRW" in text
    assert "Estimate: nobody has set the night use" in text
    assert "From 27 Aug 02:10 to 28 Aug 09:10 (31 hours) the flow was above its usual." in text
    assert "cause: leak repaired" in text and "현장 출동" in text
    assert "98.3 %" in text, "half a day of 31 is missing"
    assert "0.500 0.375 1.33" in text and "1.00 0.375 2.67" in text
    assert "sensor changed" in text and "after 3 m3/h" in text and "login" not in text
    assert "has not changed" not in text and "did not change" not in text and "in September" not in text


def test_names_and_notes_of_people_stay_text(month_site: MonthSite, capfd: pytest.CaptureFixture[str]) -> None:
    text = written(capfd, month_site)
    assert '003 <b>"=1+1" & 댐</b>' in text and "<i>DN150 pipe & valve</i>" in text


def test_it_speaks_korean(month_site: MonthSite, capfd: pytest.CaptureFixture[str]) -> None:
    text = written(capfd, month_site, "2024-08", "--language", "ko")
    assert "2024년 8월 누수 월간 보고서" in text and "2,170~2,790 (추정)" in text
    assert "001 연산3 소블록" in text and "자료 수신율" in text and "원인: 누수 복구" in text
    assert "?" not in text, "the fonts have every sign"
    with pypdfium2.PdfDocument(month_site.folder / "report.pdf") as document:
        lines = document[0].get_textpage().get_text_bounded().splitlines()
    row = next(line for line in lines if line.startswith("002 Riverside 31일 중 31일"))
    assert row.endswith("2,170~2,790 (추정) 1,953,000~2,511,000 (추정)"), "a sensor takes one line"


def test_the_workbook_has_every_figure_as_a_number(month_site: MonthSite, capfd: pytest.CaptureFixture[str]) -> None:
    path = month_site.folder / "report.xlsx"
    code, _, err = told(capfd, "report", "--xlsx", str(path), "--config", str(month_site.config))
    assert (code, f"written: {path}" in err) == (0, True)
    heads, *sensors = sheet(path, "Leakage, the largest first")
    known = [dict(zip(heads, row, strict=False)) for row in sensors]
    assert [one["sensor"] for one in known] == ["002", "001", "003"]
    assert [one.get("leakage at least, m³", "") for one in known] == ["2170", "1800", ""]
    assert [one.get("leakage at most, m³", "") for one in known] == ["2790", "1800", ""]
    assert [one.get("estimate", "") for one in known] == ["estimate", "", ""]
    assert known[2]["name"] == '<b>"=1+1" & 댐</b>'
    nights = sheet(path, "Minimum night flow, m³\N{DIVISION SLASH}h")
    assert len(nights) == 32 and nights[1][0].startswith("2024-08-01")
    assert [len(night) for night in nights[1:3]] == [2, 3], "a night that is not there is empty"
    days = sheet(path, "Minutes with a value")
    assert days[10][1] == "0.5" and days[19][3:] == [] and days[20][3] == "1"
    incident = dict(zip(*sheet(path, "Incidents")[:2], strict=False))
    assert incident["incident"] == report_site.LEAK and incident["began"].startswith("2024-08-27 02:10")
    assert (incident["largest, m³/h"], incident["volume, m³ (estimate)"]) == ("9.6", "279")
    assert incident["cause"] == "leak repaired"


def test_one_sensor_alone(month_site: MonthSite, capfd: pytest.CaptureFixture[str]) -> None:
    text = written(capfd, month_site, "--sensor", "002")
    assert "Riverside" in text and "연산3" not in text and "leak suspected" not in text


def test_a_month_that_is_not_over_says_so(
    month_site: MonthSite, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDROLOG_CLOCK", month_site.clock(report_site.START.replace(month=8, day=9, hour=21)))
    text = written(capfd, month_site, "2024-08")
    assert "The month is not over: nights to 2024-08-10." in text
    assert "10 of 10" in text and "9 of 10" in text, "nights to come are not missing"
    assert "leak suspected" not in text, "what has not happened yet"


def test_what_cannot_be_written_is_said_in_a_line(month_site: MonthSite, capfd: pytest.CaptureFixture[str]) -> None:
    def ask(*words: str) -> tuple[int, str]:
        code, _, err = told(capfd, "report", *words, "--config", str(month_site.config))
        return code, err

    pdf = str(month_site.folder / "x.pdf")
    assert ask("2024-10", "--pdf", pdf) == (1, "2024-10 has not begun yet\n")
    assert ask("--sensor", "777", "--pdf", pdf) == (1, "777 is not registered; see: hydrolog sensors\n")
    assert ask("--pdf", str(month_site.data / "server_data.txt"))[1].endswith(f"outside of {month_site.data}\n")
    for wrong in ((), ("--pdf", pdf, "--xlsx", pdf), ("2024-13", "--pdf", pdf)):
        assert ask(*wrong)[0] == 2
    assert not Path(pdf).exists()


def test_a_dash_is_standard_output(month_site: MonthSite, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["report", "--pdf", "-", "--config", str(month_site.config)]) == 0
    sys.stdout.flush()
    out, _ = capfdbinary.readouterr()
    assert "Leakage report" in read(out)


def test_a_site_without_a_sensor_has_a_report(
    month_site: MonthSite, empty_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    database.update_schema(empty_url, "site-1")
    month_site.write_settings(empty_url)
    text = written(capfd, month_site)
    assert "No sensor is registered." in text and "Leakage report, Aug 2024" in text
    path = month_site.folder / "report.xlsx"
    assert told(capfd, "report", "--xlsx", str(path), "--config", str(month_site.config))[0] == 0


def test_a_long_month_goes_over_pages_and_the_rest_is_in_the_workbook(
    month_site: MonthSite, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO SENSOR_TB (site, sensor, name) "
            "SELECT 'demo', 'n' || n, repeat('긴이름', 300) FROM generate_series(1, 120) AS n"
        )
    text = written(capfd, month_site, "--language", "ko")
    assert "나머지 23건은 엑셀 파일에 있습니다." in text
