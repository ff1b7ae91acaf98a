"""Incidents and their life: what people did is stored once, and decides who still has to look."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common import state_file
from common.clock import minute_of, minute_start
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from incidents import acts, reading
from incidents.acts import Cause, Do
from incidents.incident import Incident, Sign
from incidents.life import Stage, life

BEGAN = minute_of(datetime(2024, 8, 26, 17, 10, tzinfo=UTC))
ID = "001-20240826T1710Z-leak"


def sign(code: str = "LEAK", severity: str = "leak", *, raised: int = BEGAN + 52, ended: int | None = None) -> Sign:
    return Sign(code, "PREDICT", "flow", severity, BEGAN, raised, ended)


def incident(*signs: Sign, ended: int | None = None) -> Incident:
    return Incident(ID, "demo", "001", "leak", BEGAN, BEGAN + 20, ended, signs=[*signs])


def act(do: Do, minutes: float, **more: object) -> acts.Act:
    return acts.new(ID, "Kim", minute_start(BEGAN) + timedelta(minutes=minutes), do, **more)


def test_the_worst_standing_sign_names_an_incident() -> None:
    watch = sign("PRE-STEP", "watch", raised=BEGAN + 60)
    assert incident(sign(), watch).leading.code == "LEAK"
    assert incident(sign(ended=BEGAN + 90), watch).severity == "watch"
    assert incident(sign(ended=BEGAN + 90), sign("PRE-STEP", "watch", ended=BEGAN + 95)).severity == "leak"


def test_a_clock_that_was_set_back_makes_no_negative_duration() -> None:
    assert incident(sign()).minutes(BEGAN - 5000) == 0
    assert incident(sign(), ended=BEGAN + 300).minutes(BEGAN + 9000) == 300


def test_the_stage_is_what_was_done_last() -> None:
    done = [act(Do.ACKNOWLEDGE, 60), act(Do.NOTE, 65, text="listening tonight"), act(Do.CLOSE, 400, cause="repaired")]
    assert life(incident(sign()), [], BEGAN + 500).stage is Stage.OPEN
    assert life(incident(sign()), done[:2], BEGAN + 500).stage is Stage.ACKNOWLEDGED
    found = life(incident(sign()), reversed(done), BEGAN + 500)
    assert (found.stage, found.cause, found.by, len(found.acts)) == (Stage.CLOSED, Cause.REPAIRED, "Kim", 3)


def test_a_shelved_incident_is_open_again_when_its_time_is_over() -> None:
    shelved = [act(Do.SHELVE, 60, until=BEGAN + 200)]
    assert life(incident(sign()), shelved, BEGAN + 199).stage is Stage.SHELVED
    assert life(incident(sign()), shelved, BEGAN + 200).waits


def test_a_closed_incident_is_open_again_when_the_trouble_returns() -> None:
    closed = [act(Do.CLOSE, 400, cause="repaired")]
    assert life(incident(sign()), closed, BEGAN + 900).stage is Stage.CLOSED
    returned = life(incident(sign(ended=BEGAN + 380), sign(raised=BEGAN + 700)), closed, BEGAN + 900)
    assert returned.waits
    assert len(returned.acts) == 1


def test_acts_are_kept_beside_a_torn_line_and_only_once(tmp_path: Path) -> None:
    first, second = act(Do.ACKNOWLEDGE, 60), act(Do.NOTE, 61, text="a\tb\nc" + "x" * 900)
    acts.append(tmp_path, first)
    path = tmp_path / INCIDENT_ACTS_FILE
    path.write_bytes(path.read_bytes() + b'{"id": "torn')
    acts.append(tmp_path, second)
    acts.append(tmp_path, first)
    found = acts.load(tmp_path)
    assert found.known == (first, second)
    assert found.damaged == 1
    assert second.text == "a b c" + "x" * (acts.MOST_TEXT - 5)


def test_an_act_that_cannot_be_stored_has_not_happened(tmp_path: Path) -> None:
    with pytest.raises(acts.ActsUnwritable, match="cannot write"):
        acts.append(tmp_path / "gone", act(Do.NOTE, 60))


def test_what_is_up_comes_first_and_a_damaged_file_is_said(tmp_path: Path) -> None:
    over = Incident("b", "s", "002", "fault", BEGAN, BEGAN, BEGAN + 9, signs=[sign("SYS-MISS", "fault")])
    up = Incident(ID, "s", "001", "leak", BEGAN - 99, BEGAN - 90, signs=[sign()])
    stored = reading.IncidentsFile(incidents=[over, up, Incident("c", "s", "003", "leak", BEGAN, BEGAN)])
    state_file.store(tmp_path / INCIDENTS_FILE, stored)
    acts.append(tmp_path, act(Do.ACKNOWLEDGE, 60))
    found = reading.load(tmp_path, BEGAN + 100)
    assert [(each.incident.id, each.life.stage) for each in found.known] == [(ID, "acknowledged"), ("b", "open")]
    assert found.problem == "incidents.json: 1 incidents cannot be read"  # it has no sign
    (tmp_path / INCIDENTS_FILE).write_text("{")
    assert "cannot be read" in reading.load(tmp_path, BEGAN).problem


@pytest.mark.parametrize(
    "wrong", ['"at": "2024-08-27T02:30:00"', '"at": "0001-01-01T00:00:00Z"', '"text": "a\\u0000b"', '"by": "\\ud800"']
)
def test_an_act_that_no_reader_could_use_is_a_damaged_line(tmp_path: Path, wrong: str) -> None:
    line = '{"id": "a", "incident": "b", "at": "2024-08-27T02:30:00Z", "by": "Kim", "do": "note"}'
    (tmp_path / INCIDENT_ACTS_FILE).write_text(f"{line}\n{line[:-1]}, {wrong}}}\n")
    found = acts.load(tmp_path)
    assert (len(found.known), found.damaged) == (1, 1)
