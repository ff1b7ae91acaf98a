"""When a training starts, whose weights are taken, and what a training child may not do to the forecasts."""

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from common.folder import MODELS_FOLDER
from forecaster import artifact, trainer, training
from forecaster.dataset import HourlyHistory, Series
from forecaster.fit import fit
from forecaster.train import Block
from forecaster.trainer import Trainer, next_due
from forecaster.training import note, train_and_judge, write_note

NOW = datetime(2024, 8, 26, 3, tzinfo=UTC)
FLOW = Series("001", "flow")


def history(days: int, noise: float = 1.0) -> HourlyHistory:
    random = np.random.default_rng(0)
    hours = np.arange(24 * days)
    drift = np.convolve(random.normal(0, noise, len(hours)), 0.9 ** np.arange(60))[: len(hours)]
    y = 20 + 6 * np.sin(2 * np.pi * hours / 24) + drift
    return HourlyHistory(np.datetime64("2024-01-01T00", "h"), (FLOW,), y[None])


def outcome(accepted: bool | None) -> training.TrainingOutcome:
    return training.TrainingOutcome("v", 1, 1.0, 0.4, 0.6, None, None, 0.9, accepted, "")


def test_training_waits_for_enough_history(tmp_path: Path) -> None:
    assert not next_due(tmp_path, NOW, history(30))
    assert next_due(tmp_path, NOW, history(43))
    empty = history(60)
    empty.y[:, : -24 * 20] = np.nan
    assert not next_due(tmp_path, NOW, empty)


@pytest.mark.parametrize(("accepted", "days"), [(True, 7), (False, 7), (None, 1)])
def test_training_comes_again(tmp_path: Path, accepted: bool | None, days: int) -> None:
    write_note(tmp_path, note(tmp_path, NOW, outcome(accepted)))
    past = history(60)
    artifact.save(tmp_path, fit(past, until_row=past.rows, horizon=24, version="v", blocks=[Block(24, 1, 8)]))
    assert not next_due(tmp_path, NOW + timedelta(days=days, seconds=-1), history(60))
    assert next_due(tmp_path, NOW + timedelta(days=days), history(60))


@pytest.mark.parametrize("accepted", [True, False])
def test_weights_of_another_release_are_learnt_anew_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accepted: bool
) -> None:
    past = history(60)
    artifact.save(tmp_path, fit(past, until_row=past.rows, horizon=24, version="v", blocks=[Block(24, 1, 8)]))
    write_note(tmp_path, note(tmp_path, NOW, outcome(accepted)))  # refused: the ones in use were better, and stayed
    soon = NOW + timedelta(hours=1)
    assert not next_due(tmp_path, soon, past)
    monkeypatch.setattr("forecaster.artifact.SHAPE", [*artifact.SHAPE, 1])
    assert next_due(tmp_path, soon, past)
    write_note(
        tmp_path, note(tmp_path, NOW, outcome(False))
    )  # what is learnt is worse than the naive: an hour later it is not better
    assert not next_due(tmp_path, soon, past)


def test_new_weights_stay_beside_unreadable_ones_of_a_clock_that_was_ahead(tmp_path: Path) -> None:
    past = history(60)
    learnt = fit(past, until_row=past.rows, horizon=24, version="20240101T000000Z", blocks=[Block(24, 1, 8)])
    for year in (2031, 2032, 2033):
        (tmp_path / MODELS_FOLDER).mkdir(exist_ok=True)
        (tmp_path / MODELS_FOLDER / f"{year}0101T000000Z.sha256").write_text("0  nothing\n")
    artifact.save(tmp_path, learnt)
    newest = artifact.newest(tmp_path)
    assert newest is not None and newest.version == learnt.version
    assert len(artifact.versions(tmp_path)) == artifact.KEEP


def test_a_spoilt_note_does_not_hold_training_up(tmp_path: Path) -> None:
    (tmp_path / MODELS_FOLDER).mkdir()
    (tmp_path / MODELS_FOLDER / trainer.STATE).write_text("{")
    assert next_due(tmp_path, NOW, history(60))


def quick(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    monkeypatch.setattr("forecaster.fit.blocks_for", lambda *_: [Block(24, steps, 32)])


def test_better_weights_are_kept_and_worse_ones_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, 20)
    first = train_and_judge(tmp_path, [history(80)], "20240101T000000", horizon=24)
    assert first.accepted and first.old is None
    assert artifact.versions(tmp_path) == ["20240101T000000"]
    quick(monkeypatch, 1)
    later = history(87)
    second = train_and_judge(tmp_path, [later], "20240108T000000", horizon=24)
    assert second.accepted is False
    assert artifact.versions(tmp_path) == ["20240101T000000"]
    assert "not accepted" in second.line()


def test_the_weights_in_use_take_up_a_new_sensor_when_newer_ones_are_worse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch, 20)
    train_and_judge(tmp_path, [history(80)], "20240101T000000", horizon=24)
    quick(monkeypatch, 1)
    later = history(100)
    both = replace(later, series=(FLOW, Series("new", "flow")), y=np.concatenate([later.y, 3 * later.y]))
    second = train_and_judge(tmp_path, [both], "20240108T000000", horizon=24)
    assert second.accepted is False
    assert second.reason.endswith("they took up 1 new series")
    newest = artifact.newest(tmp_path)
    assert newest and newest.version == "20240108T000000" and newest.series == both.series
    assert newest.report["learnt_until"] == str(both.hour(both.rows))
    third = train_and_judge(tmp_path, [both], "20240115T000000", horizon=24)
    assert third.accepted is False and "took up" not in third.reason
    assert artifact.versions(tmp_path) == ["20240108T000000", "20240101T000000"]


def test_weights_that_lose_to_the_naive_are_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch, 1)
    made = train_and_judge(tmp_path, [history(80, noise=0.0)], "v", horizon=24)
    assert made.accepted is False
    assert "seasonal naive" in made.reason
    assert artifact.newest(tmp_path) is None


def test_old_weights_are_compared_on_what_they_have_not_learnt() -> None:
    past = history(80)
    model = fit(past, until_row=past.rows, horizon=24, version="v", blocks=[Block(24, 1, 8)])
    learnt = str(past.hour(past.rows - 100))
    first = past.rows - 14 * 24
    assert training._unseen_row(replace(model, report={"learnt_until": learnt}), past, first) == past.rows - 100
    just_now = str(past.hour(past.rows - 10))
    assert training._unseen_row(replace(model, report={"learnt_until": just_now}), past, first) == first
    assert training._unseen_row(model, past, first) == first


def test_a_child_that_fails_is_tried_again_in_an_hour(tmp_path: Path) -> None:
    child = Trainer([sys.executable, "-c", "raise SystemExit(1)"])

    def due() -> bool:
        return next_due(tmp_path, NOW, history(60))

    assert child.look(NOW, due) == {"training": 1}
    deadline = time.monotonic() + 30
    while child.look(NOW, due) == {"training": 1} and time.monotonic() < deadline:
        time.sleep(0.02)
    assert child.look(NOW + timedelta(minutes=59), due) == {"training": 0}
    assert child.look(NOW + timedelta(minutes=61), due) == {"training": 1}
    child.close()


def test_closing_ends_a_training() -> None:
    child = Trainer([sys.executable, "-c", "import time; time.sleep(60)"])
    child.look(NOW, lambda: True)
    began = time.monotonic()
    child.close()
    assert time.monotonic() - began < 10
    assert child._child is not None and child._child.poll() is not None


def test_the_note_says_what_came_of_it(tmp_path: Path) -> None:
    write_note(tmp_path, note(tmp_path, NOW, outcome(True)))
    state = json.loads((tmp_path / MODELS_FOLDER / trainer.STATE).read_text())
    assert state["outcome"] == "accepted" and "MASE model 0.400" in state["line"]


def test_progress_is_a_few_lines_whatever_the_number_of_steps(capsys: pytest.CaptureFixture[str]) -> None:
    shown = training.Progress()
    steps = 213
    for step in [*range(10, steps, 10), steps]:  # as the training tells them
        shown("leads 1-1", step, steps, 0.5)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == training.LINES_PER_PART
    assert lines[-1] == "leads 1-1: step 213/213 loss 0.500"
