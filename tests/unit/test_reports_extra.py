"""Plots need a library that a box does without: who asks for them is told so before anything is read or judged."""

import sys
from pathlib import Path

import pytest

from cli.__main__ import main


@pytest.mark.parametrize("command", [["forecast", "report"], ["backtest", "outliers"]])
def test_a_page_with_plots_says_at_once_what_to_install(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", "postgresql://nobody@127.0.0.1:9/none")
    assert main([*command, "--out", str(tmp_path / "page.html")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("--out: a page with plots needs the library plotly: pip install 'hydrolog[reports]'")
    assert "/opt/hydrolog/current/.venv/bin/python -m pip install" in said


def test_what_draws_no_plots_needs_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both go on to ask for the database, which is away."""
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path))
    monkeypatch.setenv("HYDROLOG_DATABASE__URL", "postgresql://nobody@127.0.0.1:9/none")
    assert main(["forecast", "report"]) == 1
    assert main(["backtest", "outliers", "--out", str(tmp_path / "found.csv")]) == 1
