"""`hydrolog incidents` on a data folder and a real Postgres: what it lists and shows, and what people do with it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from command_site import Configure
from export_site import told
from incident_site import BEGAN, ID, RAISED, fault, file, leak, listed, shown, store

from common.clock import minute_start
from common.folder import INCIDENT_ACTS_FILE
from incidents.incident import Incident, Sign


def test_what_is_up_comes_first_and_old_ones_on_request(
    site: Path, tmp_path: Path, connection: psycopg.Connection[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    over, old = fault("c", ended=RAISED + 10), fault("b", ended=BEGAN - 8 * 1440, began=BEGAN - 9 * 1440)
    file(tmp_path / "data", over, leak())
    store(connection, site, old, leak(ended=RAISED + 1))
    assert listed(capfd, site) == [ID, "c"]
    assert listed(capfd, site, "list", "--all") == [ID, "c", "b"]
    assert listed(capfd, site, "--all", "--sensor", "002") == ["c", "b"]
    assert listed(capfd, site, "--since", "2024-08-18") == [ID, "c", "b"]
    assert listed(capfd, site, "--since", "2024-08-27 03:10", "list") == [ID, "c"]
    out = told(capfd, "incidents", "--config", str(site))[1]
    assert ID in out and "2024-08-27 02:10" in out and "1 hour 22 minutes" in out and "9.3 ± 0.8" in out
    assert "Earlier ones: 1; to see them: hydrolog incidents --all" in out
    assert told(capfd, "incidents", "--sensor", "777", "--config", str(site))[::2] == (
        1,
        "777 is not known; see: hydrolog sensors\n",
    )


def test_the_list_is_in_the_language_of_whoever_reads(
    site: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file(tmp_path / "data", leak(), fault("c", ended=RAISED + 10))
    out = told(capfd, "incidents", "--all", "--language", "ko", "--config", str(site))[1]
    shown = ("경보", "발생 추정", "초과 유량·누수량", "조치", "미확인", "[누수 의심] 001", "1시간 22분", "해소")
    assert [word for word in shown if word not in out] == []
    assert not any(word in out for word in ("began", "size", "people", "open", "over", "leak]"))


def test_an_outage_is_called_one_and_no_fault(site: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    signs = [Sign("SUP-LOW", "SYSTEM", channel, "supply", BEGAN, RAISED) for channel in ("flow", "pressure")]
    file(tmp_path / "data", Incident("o", "demo", "002", "supply", BEGAN, RAISED, signs=signs))
    for language, words in (("en", "[supply outage suspected] 002"), ("ko", "[단수 의심] 002")):
        assert words in told(capfd, "incidents", "--language", language, "--config", str(site))[1]


def test_show_tells_what_people_did_and_draws_the_hours(
    site: Path, connection: psycopg.Connection[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    connection.execute("INSERT INTO SENSOR_TB (sensor, name) VALUES ('001', '연산3 소블록')")
    connection.execute("SELECT real_val_partition(%s)", [minute_start(BEGAN)])
    for minute in range(BEGAN - 180, RAISED + 30, 5):
        connection.execute(
            "INSERT INTO REAL_VAL_TB (sensor, time, flow, samples, log_id, log_offset) "
            "VALUES ('001', %s, %s, 1, 'l', %s)",
            [minute_start(minute), 10.0 if minute < BEGAN else 20.0, minute],
        )
    for hour in range(BEGAN // 60 * 60 - 240, RAISED + 60, 60):
        at = minute_start(hour)
        connection.execute(
            "INSERT INTO PRED_VAL_TB (sensor, made_at, hour, flow, model) VALUES ('001', %s, %s, 10, 'm')", [at, at]
        )
    assert (
        told(capfd, "incidents", "note", ID[:12], "listening", "tonight", "--by", "Kim", "--config", str(site))[0] == 0
    )
    code, out, err = told(capfd, "incidents", "show", "001-2024", "--config", str(site))
    assert (code, err) == (0, "")
    assert "001 연산3 소블록" in out and "Since 27 Aug 02:10" in out and "→ Check planned work" in out
    korean = told(capfd, "incidents", "show", ID, "--language", "ko", "--config", str(site))[1]
    assert "[누수 의심] 001 연산3 소블록" in korean and "8월 27일 02:10부터" in korean
    assert "█ 유량, m³/h   ▒ 예측 초과   · 예측 미달   ▲ 발생 추정" in korean
    assert "2024-08-27 03:32  Kim  note: listening tonight" in out
    top, bottom = out.splitlines()[-15], out.splitlines()[-4]
    assert "20.00" in top and "▒" in top and "█" not in top
    assert bottom.count("█") > 30
    assert out.splitlines()[-3].strip() == "▲"
    assert "08-26 23:10" in out


def test_an_incident_is_told_in_the_language_of_the_site(
    config: Configure, site: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert site == config(site='timezone = "Asia/Seoul"\nlanguage = "ko"')
    out = told(capfd, "incidents", "show", ID, "--config", str(site))[1]
    assert "[누수 의심] 001" in out and "8월 27일 02:10부터" in out and "1시간 22분" in out


def test_an_act_is_stored_said_and_shown(
    site: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "lee")
    said = told(capfd, "incidents", "acknowledge", ID, "--config", str(site))
    assert said == (0, f"{ID}: acknowledged (lee)\n", "")
    assert shown(capfd, site)["life"]["by"] == "lee"
    said = told(capfd, "incidents", "shelve", ID, "--for", "8h", "--by", "Kim", "--config", str(site))
    assert said[1] == f"{ID}: shelved until 2024-08-27 11:32 (Kim)\n"
    said = told(
        capfd, "incidents", "shelve", ID, "--until", "2024-08-28 09:00", "--by", "Kim", "--config", str(site), "--json"
    )
    assert json.loads(said[1])["life"]["until"] == "2024-08-28T09:00:00+09:00"
    said = told(
        capfd,
        "incidents",
        "close",
        ID,
        "--cause",
        "repaired",
        "--note",
        "a joint",
        "--by",
        "Kim",
        "--config",
        str(site),
    )
    assert said[1] == f"{ID}: closed; cause: leak repaired (Kim)\n"
    found = shown(capfd, site)
    assert (found["life"]["stage"], found["life"]["cause"]) == ("closed", "repaired")
    assert [(act["do"], act["text"]) for act in found["life"]["acts"]] == [
        ("acknowledge", ""),
        ("shelve", ""),
        ("shelve", ""),
        ("close", "a joint"),
    ]
    assert len((tmp_path / "data" / INCIDENT_ACTS_FILE).read_text().splitlines()) == 4


def test_without_a_name_it_is_the_login_name(
    site: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    name = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert told(capfd, "incidents", "acknowledge", ID, "--config", str(site))[1].endswith(f"({name})\n")
    assert told(capfd, "incidents", "note", ID, "x", "--by", " ", "--config", str(site))[::2] == (
        2,
        "--by: give your name\n",
    )


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (["show", "001-20240826T1710Z-lea k"], 1, f"did you mean {ID}, "),
        (["show", "zzz"], 1, "there is no incident 'zzz'; see: hydrolog incidents --all"),
        (["show", ""], 1, f"2 incidents begin with '': {ID}, 002-20240826T1730Z-fault"),
        (["acknowledge", "002"], 1, "is over since 2024-08-27 03:12; to say why it was: hydrolog incidents close"),
        (["shelve", "002", "--for", "8h"], 1, "is over since"),
        (["shelve", "001", "--for", "8x"], 2, "'8x' is not a span like 90m, 8h or 2d"),
        (["shelve", "001", "--for", "400d"], 2, "for a year at most"),
        (["shelve", "001"], 2, "--until --for"),
        (["shelve", "001", "--until", "2024-08-27 03:32"], 2, "2024-08-27 03:32 is over; it is 2024-08-27 03:32 now"),
        (["shelve", "001", "--until", "tomorrow"], 2, "--until: 'tomorrow' is not a day or a time"),
        (["close", "001"], 2, "--cause"),
        (["close", "001", "--cause", "magic"], 2, "false-alarm"),
        (["note", "001"], 2, "TEXT"),
        (["--since", "x"], 2, "--since: 'x' is not a day or a time"),
        (["shrug", "001"], 2, "shrug"),
    ],
)
def test_what_cannot_be_done_says_what_to_type(
    site: Path, capfd: pytest.CaptureFixture[str], words: list[str], code: int, problem: str
) -> None:
    file(site.parent / "data", leak(), fault(ended=RAISED + 10))
    found = told(capfd, "incidents", *words, *(["--config", str(site)] if words[0] != "shrug" else []))
    assert (found[0], found[1]) == (code, "")
    assert problem in found[2] and len(found[2].splitlines()) == 1
    assert not (site.parent / "data" / INCIDENT_ACTS_FILE).exists()


def test_a_closed_one_takes_only_notes_until_it_comes_back(
    site: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told(capfd, "incidents", "close", ID, "--cause", "flushing", "--by", "Kim", "--config", str(site))
    for words in (["acknowledge", ID], ["close", ID, "--cause", "other"], ["shelve", ID, "--for", "1h"]):
        code, _, err = told(capfd, "incidents", *words, "--config", str(site))
        assert (code, f"{ID} was closed by Kim, 2024-08-27 03:32: flushing" in err) == (1, True)
    assert told(capfd, "incidents", "note", ID, "more", "--config", str(site))[0] == 0
    again = leak()
    again.signs.append(Sign("LEAK", "VALUE", "flow", "leak", RAISED, RAISED + 31))
    file(tmp_path / "data", again)
    assert shown(capfd, site)["life"]["stage"] == "open"
    assert told(capfd, "incidents", "acknowledge", ID, "--config", str(site))[0] == 0


def test_an_incident_that_only_the_database_knows_can_be_shown_and_closed(
    site: Path, connection: psycopg.Connection[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    store(connection, site, fault("002-old", ended=RAISED - 20))
    assert (
        told(capfd, "incidents", "close", "002-old", "--cause", "meter", "--by", "Kim", "--config", str(site))[0] == 0
    )
    assert shown(capfd, site, "002-o")["life"]["cause"] == "meter"
