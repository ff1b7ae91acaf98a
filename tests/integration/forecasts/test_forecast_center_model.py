"""The one model of a center: learnt by one process at a time, found by all, also by those of another release."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from forecast_center import HOUR, NOON, Center
from forecast_site import untrained
from waiting import wait_for
from with_torch import torch  # noqa: F401 - without PyTorch this file is skipped

from common.database import Database
from common.errors import DatabaseDown
from forecaster import artifact, center_training
from forecaster.shared_models import LOCK, SharedModels
from forecaster.trainer import TrainingNote
from forecaster.training import TrainingOutcome

DAYS = 45
SOON = 1  # hour: learnt soonest
AT = ("--at", NOON.isoformat())
IS_LEARNING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s"


@pytest.fixture
def center(database_url: str, tmp_path: Path) -> Iterator[Center]:
    with contextlib.closing(Center(database_url, tmp_path)) as made:
        yield made


@contextlib.contextmanager
def shared(center: Center, name: str = "here") -> Iterator[SharedModels]:
    settings = center.settings(name)
    with contextlib.closing(Database(settings, "test")) as database:
        yield SharedModels(database, settings.paths.data)


def publish(center: Center, version: str, raw: bytes | None = None) -> bytes:
    """Weights of that version, as if somebody had learnt them."""
    folder = center.folder / "learnt" / version
    raw = raw or artifact.save(folder, untrained(version)).read_bytes()
    with shared(center) as models, models.turn() as is_ours:
        assert is_ours
        models.publish(version, TrainingNote(NOON, "accepted", ""), raw)
    return raw


def test_one_learns_for_all_and_a_killed_one_leaves_its_turn(center: Center) -> None:
    """Two sites in two zones; then every process forecasts them, and a site that came since, with the weights."""
    center.add("seoul")
    center.add("rome", zone="Europe/Rome")
    center.fill("seoul", "rome", days=DAYS, noise=30.0)
    killed = center.process("one", "train", *AT, horizon=SOON)
    wait_for(lambda: bool(center.rows(IS_LEARNING, LOCK)), "somebody who learns")
    other = center.process("two", "train", *AT, horizon=SOON)
    assert "another process is learning" in other.communicate(timeout=600)[0]
    assert other.returncode == 0
    killed.kill()
    killed.wait()
    wait_for(lambda: not center.rows(IS_LEARNING, LOCK), "the turn")
    assert center.rows("SELECT count(*) FROM FORECAST_MODEL_TB") == [(0,)]
    next_one = center.process("one", "train", *AT, horizon=SOON)
    said = next_one.communicate(timeout=600)[0]
    assert next_one.returncode == 0 and " accepted" in said, said
    ((version, outcome),) = center.rows("SELECT version, outcome FROM FORECAST_MODEL_TB WHERE weights IS NOT NULL")
    assert outcome == "accepted"
    center.add("new", "empty")
    center.fill("new", days=10)
    worker = center.worker("two")
    wait_for(lambda: bool(worker.step(NOON + HOUR / 2)) and len(center.made()) == 3, "the forecasts")
    found = dict(center.rows("SELECT site, model FROM PRED_VAL_TB WHERE hour = made_at"))
    assert found == dict.fromkeys(("seoul", "rome", "new"), f"lstm-{version}")
    model = artifact.load(center.settings("two").paths.data, version)
    assert {(s.site, s.sensor) for s in model.series} == {("seoul", "001"), ("rome", "001")}


def test_who_lost_the_database_while_learning_publishes_nothing(center: Center) -> None:
    raw = artifact.save(center.folder, untrained("v")).read_bytes()
    with shared(center) as models, models.turn() as is_ours:
        assert is_ours
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
        )
        center.rows(query, center.connection.info.backend_pid)
        with pytest.raises(DatabaseDown):
            models.publish("v", TrainingNote(NOON, "accepted", ""), raw)
        with shared(center, "other") as others, others.turn() as is_theirs:
            assert is_theirs
            with pytest.raises(DatabaseDown):
                models.publish("v", TrainingNote(NOON, "accepted", ""), raw)
    assert center.rows("SELECT count(*) FROM FORECAST_MODEL_TB") == [(0,)]


def test_a_folder_holds_what_the_table_holds(center: Center) -> None:
    for version in ("20240801T000000", "20240808T000000", "20240815T000000", "20240822T000000"):
        publish(center, version)
    data = center.settings().paths.data
    artifact.save(data, untrained("20300101T000000"))  # of another database, say
    with shared(center) as models:
        models.fetch()
        assert artifact.versions(data) == ["20240822T000000", "20240815T000000", "20240808T000000"]
    assert center.rows("SELECT count(*), count(weights) FROM FORECAST_MODEL_TB") == [(4, 3)]


def test_weights_of_a_newer_release_are_left_to_those_that_can_read_them(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And damaged ones to nobody. Nobody learns for that: there are weights that serve."""
    publish(center, "20240801T000000")
    with monkeypatch.context() as newer:
        newer.setattr(artifact, "SHAPE", [*artifact.SHAPE, 1])
        publish(center, "20240808T000000")
    publish(center, "20240815T000000")
    center.connection.execute("UPDATE FORECAST_MODEL_TB SET weights = 'spoilt' WHERE version = '20240815T000000'")
    center.add("a")
    center.fill("a", days=60)
    worker = center.worker()
    wait_for(lambda: bool(worker.step(NOON)) and bool(center.made()), "the forecast")
    assert set(center.rows("SELECT model FROM PRED_VAL_TB WHERE hour = made_at")) == {("lstm-20240801T000000",)}
    assert not worker._training_is_due(NOON + timedelta(days=6))
    assert worker._training_is_due(NOON + timedelta(days=7))


def test_new_weights_reach_a_process_that_runs(center: Center) -> None:
    publish(center, "20240801T000000")
    center.add("a")
    center.fill("a", days=60, until=NOON + HOUR)
    worker = center.worker()
    wait_for(lambda: bool(worker.step(NOON)) and bool(center.made()), "the first forecast")
    publish(center, "20240808T000000")
    center.connection.execute("UPDATE SITE_TB SET closed_through = %s", (NOON + HOUR,))
    wait_for(lambda: bool(worker.step(NOON + HOUR)) and bool(center.made(NOON + HOUR)), "the second")
    query = "SELECT model FROM PRED_VAL_TB WHERE hour = made_at ORDER BY made_at"
    assert [model.split("/")[0] for (model,) in center.rows(query)] == ["lstm-20240801T000000", "lstm-20240808T000000"]


def test_what_follows_the_truth_goes_on_in_another_process(center: Center) -> None:
    publish(center, "20240801T000000")
    center.add("a")
    center.fill("a", days=60, until=NOON + 3 * HOUR, noise=30.0)
    for number in range(3):
        hour = NOON + number * HOUR
        center.connection.execute("UPDATE SITE_TB SET closed_through = %s", (hour,))
        worker = center.worker(f"p{number}")
        wait_for(lambda w=worker, h=hour: bool(w.step(h)) and bool(center.made(h)), "the forecast")  # type: ignore[misc]
    ((through, stretch),) = center.rows(
        "SELECT intervals->>'through', intervals->'stretch'->'001/flow'->0 FROM FORECAST_SITE_TB WHERE site = 'a'"
    )
    assert through == (NOON + HOUR).isoformat()
    assert stretch != 1.0, "two hours have come, each counted by another process"


def test_a_training_learns_from_whole_sites_up_to_a_limit(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of sites, so many sensors' years are in memory at once; the others are not even read."""
    sites = [f"s{number}" for number in range(5)]
    center.add(*sites)
    center.fill(*sites, days=3)
    monkeypatch.setattr(center_training, "MOST_SENSORS", 2)
    settings = center.settings()
    with contextlib.closing(Database(settings, "test")) as database:
        found = center_training.read(settings, database, NOON)
        again = center_training.read(settings, database, NOON)
    assert len(found) == 2
    assert [h.series for h in found] == [h.series for h in again], "the same ones each week"


def test_without_a_row_it_is_tried_again_in_a_day(center: Center) -> None:
    settings = center.settings()
    with contextlib.closing(Database(settings, "test")) as database:
        outcome = center_training.run_training(settings, database, NOON)
        assert isinstance(outcome, TrainingOutcome) and outcome.accepted is None
        soon = NOON + timedelta(hours=23)
        assert center_training.run_training(settings, database, soon, if_due=True) is None
        assert center_training.run_training(settings, database, soon) is not None, "a person may ask for it"
        center.connection.execute("DELETE FROM FORECAST_MODEL_TB WHERE at = %s", (soon,))
    worker = center.worker()
    assert not worker._training_is_due(NOON + timedelta(hours=23))
    assert worker._training_is_due(NOON + timedelta(hours=24))


def test_a_disk_that_refuses_the_weights_stops_no_forecast(center: Center, caplog: pytest.LogCaptureFixture) -> None:
    publish(center, "20240801T000000")
    center.add("a")
    center.fill("a", days=10, until=NOON + HOUR)
    blocked = center.settings().paths.data / "models"
    blocked.write_text("in the way")
    worker = center.worker()
    wait_for(lambda: bool(worker.step(NOON)) and bool(center.made()), "the forecast")
    assert {label for (label,) in center.rows("SELECT model FROM PRED_VAL_TB")} == {"naive-168h"}
    blocked.unlink()
    center.connection.execute("UPDATE SITE_TB SET closed_through = %s", (NOON + HOUR,))
    wait_for(lambda: bool(worker.step(NOON + HOUR)) and bool(center.made(NOON + HOUR)), "the next")
    assert center.rows("SELECT count(*) FROM PRED_VAL_TB WHERE model = 'lstm-20240801T000000'") != [(0,)]
    assert caplog.text.count("model_not_stored") == 1
