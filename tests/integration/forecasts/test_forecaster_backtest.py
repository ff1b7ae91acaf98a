"""`hydrolog backtest forecasts`, as a user calls it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import with_torch  # noqa: F401 - without PyTorch this file is skipped

from cli.__main__ import main
from forecaster import fit
from forecaster.train import Block


def table(path: Path, days: int, spoil_from: int | None = None) -> None:
    hours = pd.date_range("2024-01-01", periods=24 * days, freq="h")
    random = np.random.default_rng(0)
    values = 20 + 6 * np.sin(2 * np.pi * np.arange(len(hours)) / 24) + random.normal(0, 1, len(hours))
    if spoil_from is not None:
        values[spoil_from:] = -999.0
    pd.DataFrame({"time_local": hours.strftime("%Y-%m-%dT%H:%M"), "inflow_lps_X": values}).to_csv(path, index=False)


def test_a_backtest_forecasts_what_was_asked_and_looks_at_nothing_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "w.csv").write_text("time,temperature_c\n2024-03-01 00:00,20\n")
    monkeypatch.setattr(fit, "blocks_for", lambda *_: [Block(24, 5, 32)])
    origin = 24 * 70 - 1
    (tmp_path / "origins.csv").write_text(
        "series,origin,first_target,last_target\nX,2024-03-10T23:00,2024-03-11T00:00,2024-03-11T23:00\n"
    )
    texts = []
    for spoil in (None, origin + 1):
        table(tmp_path / "t.csv", 90, spoil)
        arguments = [
            "--data",
            "t.csv",
            "--train-until",
            "2024-03-01T00:00",
            "--origins",
            "origins.csv",
            "--out",
            "p.csv",
        ]
        paths = [str(tmp_path / a) if a.endswith(".csv") else a for a in arguments]
        assert main(["backtest", "forecasts", *paths, "--weather", str(tmp_path / "w.csv"), "--json"]) == 0
        (day,) = [one for one in json.loads(capsys.readouterr().out) if one["last"] == 24]
        assert day["pairs"] == 24 and (day["mase"] < 3) == (spoil is None)  # against the truth that the table has
        texts.append((tmp_path / "p.csv").read_text())
    assert texts[0] == texts[1]
    made = pd.read_csv(tmp_path / "p.csv")
    assert list(made.columns) == ["series", "origin", "target", "forecast", "low", "high"]
    assert list(made.target) == [f"2024-03-11T{h:02d}:00" for h in range(24)]
    assert set(made.series) == {"X"} and set(made.origin) == {"2024-03-10T23:00"}
    assert (made.low <= made.forecast).all() and (made.forecast <= made.high).all()


@pytest.mark.parametrize(
    ("origins", "until", "complaint"),
    [
        (
            "series,origin,first_target,last_target\nY,2024-03-10T23:00,2024-03-11T00:00,2024-03-11T00:00\n",
            "03-01",
            "'Y'",
        ),
        (
            "series,origin,first_target,last_target\nX,2024-03-10T23:00,2024-03-10T23:00,2024-03-11T00:00\n",
            "03-01",
            "after",
        ),
        ("series,origin\nX,2024-03-10T23:00\n", "03-01", "first_target"),
        (
            "series,origin,first_target,last_target\nX,2024-03-10T23:00,2024-03-11T00:00,2024-03-11T00:00\n",
            "01-05",
            "--train",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, origins: str, until: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table(tmp_path / "t.csv", 90)
    (tmp_path / "o.csv").write_text(origins)
    names = {"--data": "t.csv", "--origins": "o.csv", "--out": "p.csv"}
    paths = [text for option, name in names.items() for text in (option, str(tmp_path / name))]
    assert main(["backtest", "forecasts", "--train-until", f"2024-{until}T00:00", *paths]) == 2
    said = capsys.readouterr().err
    assert complaint in said and "Traceback" not in said
    assert said.count("\n") == 1
