"""What `run` is built from. It loads no PyTorch: that takes seconds, and only training needs it."""

from __future__ import annotations

import argparse

from common.runner import Build, Context
from forecaster.step import Forecaster
from forecaster.trainer import Trainer, command_of


def build_forecaster(chosen: argparse.Namespace) -> Build:
    """How the runner makes the forecasting worker; a single step trains nothing and waits for nothing."""

    def build(context: Context) -> Forecaster:
        trainer = None if chosen.once else Trainer(command_of(chosen.config), context.data)
        return Forecaster(context.settings, trainer, patient=not chosen.once)

    return build
