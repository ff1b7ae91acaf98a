"""`hydrolog forecast report`: the error of past forecasts, compared with the seasonal naive."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cli import shell, site_choice
from common import clock
from common.database import Database
from common.options import Parser
from common.settings import SiteSettings, load

if TYPE_CHECKING:
    from forecaster.report import Track

UNIT = {"flow": "m3/h", "pressure": "bar"}


def run(args: list[str]) -> int:
    """The subcommand; returns the exit code."""
    options = _parser().parse_args(args)
    if options.out:
        shell.need_plots()
    settings = site_choice.of(load(options.config), options.site)
    database = Database(settings, "forecast-report")
    try:
        made = _tracks(database, settings.site, options.days, options.sensor)
    finally:
        database.close()
    if not made:
        sys.stdout.write("there are no rows for the forecasts of these days yet\n")
        return 0
    _table(made)
    if options.out:
        options.out.write_text(_page(made), encoding="utf-8")
        sys.stdout.write(f"plots: {options.out}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    words = "The error of past forecasts, compared with the week before."
    parser = Parser(prog="hydrolog forecast", description=words)
    parser.add_argument("action", choices=["report"], help="error of the last days, per sensor")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (TOML)")
    parser.add_argument("--days", type=shell.days, default=14, metavar="N", help="number of days (default 14)")
    parser.add_argument("--sensor", type=shell.sensor_id, metavar="ID", help="only this one")
    parser.add_argument("--out", type=Path, metavar="FILE.html", help="write plots as an HTML page")
    site_choice.add(parser)
    return parser


def _tracks(database: Database, site: SiteSettings, days: int, sensor: str | None) -> "list[Track]":
    from forecaster import report, store
    from forecaster.fallback import WEEK

    zone = site.zone
    now = clock.from_environment().now().astimezone(zone).replace(minute=0, second=0, microsecond=0)
    first = (now - timedelta(days=days)).replace(hour=0)
    lines = store.forecasts(database, site.id, "forecast_leads", first=first, until=now)
    lines = [line for line in lines if sensor in (None, line.sensor)]
    names = sorted({line.sensor for line in lines})
    if not names:
        return []
    history = store.history(database, site, names, first - timedelta(hours=WEEK), now)
    return report.tracks(history, lines, history.row(first), zone)


def _table(made: "list[Track]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("sensor", "channel", "lead h", "hours", "MAE", "naive MAE", "ratio", "in interval", "models")
    for track in made:
        error, naive = track.error(), track.naive_error()
        table.add_row(
            track.series.sensor,
            f"{track.series.channel}, {UNIT.get(track.series.channel, '')}",
            str(track.lead),
            str(int(track.both.sum())),
            f"{error:.4g}",
            f"{naive:.4g}",
            f"{error / naive:.3f}" if naive > 0 else "-",
            f"{100 * track.covered():.1f} %",
            ", ".join(track.models),
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    sys.stdout.write("naive: the value a week before. A ratio below 1 means that the forecast was better.\n")


def _page(made: "list[Track]") -> str:
    """A standalone HTML file: for each track its values and its rolling error."""
    from plotly.subplots import make_subplots

    parts = []
    for number, track in enumerate(made):
        unit = UNIT.get(track.series.channel, "")
        title = f"{track.series.sensor}, {track.series.channel} ({unit}), {track.lead} h ahead"
        figure = make_subplots(
            rows=2, cols=1, shared_xaxes=True, subplot_titles=(title, "mean error of the last 7 days")
        )
        hours = track.hours.astype("datetime64[m]").astype(str)
        for values, name in ((track.high, "90 % high"), (track.low, "90 % low")):
            figure.add_scatter(x=hours, y=values, name=name, line={"width": 0.5, "color": "#9bb8d3"}, row=1, col=1)
        figure.add_scatter(x=hours, y=track.forecast, name="forecast", line={"color": "#1f5fa8"}, row=1, col=1)
        figure.add_scatter(x=hours, y=track.truth, name="measured", line={"color": "#222222"}, row=1, col=1)
        rolling = track.rolling()
        figure.add_scatter(x=hours, y=rolling[0], name="error, forecast", line={"color": "#1f5fa8"}, row=2, col=1)
        figure.add_scatter(x=hours, y=rolling[1], name="error, week before", line={"color": "#c46a1b"}, row=2, col=1)
        figure.update_layout(height=600, margin={"t": 60, "b": 30})
        parts.append(figure.to_html(full_html=False, include_plotlyjs=number == 0))
    return '<!doctype html><meta charset="utf-8"><title>hydrolog forecasts</title>' + "\n".join(parts)
