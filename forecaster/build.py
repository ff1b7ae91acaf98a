"""What `run` is built from. It loads no PyTorch: that takes seconds, and only training needs it."""

from __future__ import annotations

import argparse
import logging

from common.runner import Build, Context
from forecaster import pytorch
from forecaster.step import Forecaster
from forecaster.trainer import Trainer, command_of

_log = logging.getLogger(__name__)


def build_forecaster(chosen: argparse.Namespace) -> Build:
    """How the runner makes the forecasting worker; a single step trains nothing and waits for nothing.

    Without PyTorch nothing is trained either: the weights that there are, or the fallback, forecast."""

    def build(context: Context) -> Forecaster:
        trains = not chosen.once and pytorch.is_installed()
        if not chosen.once and not trains:
            _log.warning("no_training problem=%r", "PyTorch is not installed")
        trainer = Trainer(command_of(chosen.config), context.data) if trains else None
        return Forecaster(context.settings, trainer, patient=not chosen.once)

    return build
