"""`hydrolog-forecaster run`: hourly forecasts. `hydrolog-forecaster train`: new weights now, with progress."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.signals import leave_on_signals

if TYPE_CHECKING:
    import argparse

    from common.runner import Context, Worker


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code of the process."""
    leave_on_signals()
    from common import runner

    parser = runner.parser("hydrolog-forecaster", __doc__ or "")
    parser.add_argument("action", choices=("run", "train"), nargs="?", default="run", help="default: run")
    parser.add_argument("--if-due", action="store_true", help="train in a center: only if the last one is a week ago")
    chosen = parser.parse_args(argv)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the box has other work; read when numpy is loaded
    if chosen.action == "train":
        chosen.once = True
        return runner.run("forecaster-train", lambda context: _training(chosen, context), chosen)
    return runner.run("forecaster", lambda context: _forecaster(chosen, context), chosen)


# What takes seconds to load is loaded late: usage and settings errors are said before.


def _training(chosen: argparse.Namespace, context: Context) -> Worker:
    import functools

    from forecaster import pytorch

    pytorch.prepare()
    from forecaster import center_training, training

    if context.settings.is_center:
        return training.Training(context, functools.partial(center_training.run_training, if_due=chosen.if_due))
    return training.Training(context, training.run_training)


def _forecaster(chosen: argparse.Namespace, context: Context) -> Worker:
    """The forecasting worker, of a box or of a center. A single step trains nothing and waits for nothing; nor is
    anything trained without PyTorch: the weights that there are, or the fallback, forecast."""
    import importlib.util
    import logging

    from forecaster.center import CenterForecaster
    from forecaster.step import Forecaster
    from forecaster.trainer import Trainer, command_of

    trains = not chosen.once and importlib.util.find_spec("torch") is not None
    if not chosen.once and not trains:
        logging.getLogger(__name__).warning("no_training problem=%r", "PyTorch is not installed")
    trainer = Trainer(command_of(chosen.config)) if trains else None
    if context.settings.is_center:
        return CenterForecaster(context.settings, trainer, context.stop)
    forecaster = Forecaster(context.settings, trainer, patient=not chosen.once)
    if chosen.once or not context.settings.weather.url:
        return forecaster
    from forecaster.weather_source import WeatherSource, WithWeather

    return WithWeather(forecaster, WeatherSource(context.settings))


if __name__ == "__main__":
    raise SystemExit(main())
