"""`hydrolog backtest forecasts`: the real training and prediction on a table of past data.

The table: `time_local` and one column per series, hourly or finer. The list of origins:
`series,origin,first_target,last_target`. Times are local, without offset. Forecasts:
`series,origin,target,forecast,low,high`. Errors are shown in units of a series' mean change over a week (MASE);
pinball is the loss of the whole interval in the same unit.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from common import clock
from common.options import Parser
from forecaster.weather_table import read_weather

if TYPE_CHECKING:
    from forecaster.scores import Score
    from forecaster.site_weather import KnownWeather


def run(args: list[str]) -> int:
    """The subcommand; returns the exit code."""
    options = _parser().parse_args(args)
    from forecaster import pytorch

    pytorch.prepare()
    from forecaster import backtest as bt
    from forecaster.holidays import numbered
    from forecaster.scores import scores
    from outliers.calendar import holidays_of

    dates, problems = holidays_of(options.holidays) if options.holidays else (frozenset(), ())
    if problems:
        raise bt.TableUnusable(f"--holidays: {problems[0]}")
    days = numbered(dates)
    history = replace(bt.read_history(options.data), holidays=days)
    wanted = bt.read_origins(options.origins, history)
    row = bt.usable_until(history, options.train_until, "--train-until")
    train_on = replace(bt.read_history(options.train_data), holidays=days) if options.train_data else None
    until = bt.usable_until(train_on, options.train_until, "--train-until") if train_on else 0
    weather = _weather(options.weather)
    began = time.process_time()
    try:
        model = bt.learnt(
            history,
            row,
            wanted.horizon,
            train_on=train_on,
            train_on_until=until,
            weather=weather,
            seed=options.seed,
            report=_progress,
        )
    except ValueError as error:
        raise bt.TableUnusable(f"cannot train: {error}") from error
    table = bt.forecasts(model, history, wanted, weather)
    table.to_csv(options.out, index=False, float_format="%.6g")
    _say(f"{len(table)} forecasts in {options.out}, {time.process_time() - began:.1f} CPU s")
    _scores(scores(table, history, row), as_json=options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="hydrolog backtest forecasts",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="table of past data (CSV, may be .gz)")
    parser.add_argument("--train-data", type=Path, metavar="FILE", help="train the weights on this table instead")
    parser.add_argument("--train-until", required=True, metavar="TIME", help="first hour not used for training")
    parser.add_argument("--origins", type=Path, required=True, metavar="FILE", help="what to forecast")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="forecasts to write")
    parser.add_argument(
        "--weather",
        type=Path,
        metavar="FILE",
        help="temperature and rain, as for hydrolog weather add: local times without offset; forecasts with made_at",
    )
    parser.add_argument("--holidays", type=Path, metavar="FILE", help="dates with water use like a Sunday")
    parser.add_argument("--json", action="store_true", help="the scores for programs")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default 0)")
    return parser


def _scores(made: "list[Score]", *, as_json: bool) -> None:
    """What the forecasts are worth, where the table has what was measured."""
    if as_json:
        sys.stdout.write(json.dumps([one._asdict() for one in made]) + "\n")
        return
    sys.stdout.write("hours ahead     pairs   MASE  pinball  inside\n")
    for one in made:
        hours = "1" if one.last == 1 else f"1 to {one.last}"
        sys.stdout.write(f"{hours:<11}{one.pairs:>10}  {one.mase:.4f}   {one.pinball:.4f}  {100 * one.inside:.1f} %\n")


def _weather(path: Path | None) -> "KnownWeather | None":
    if path is None:
        return None
    from forecaster.site_weather import KnownWeather

    now = clock.from_environment().now()
    return KnownWeather(read_weather(path, UTC, now, now).hours, UTC)


def _progress(part: str, step: int, steps: int, loss: float) -> None:
    if step % 100 == 0 or step == steps:
        _say(f"{part}: step {step}/{steps} loss {loss:.3f}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
