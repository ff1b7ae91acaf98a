"""Where a training runs when PyTorch finds a GPU that does not work."""

import logging

import numpy as np
import pytest
from with_torch import torch

from forecaster.dataset import HourlyHistory, Series
from forecaster.device import training_device
from forecaster.fit import fit
from forecaster.train import Block


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    training_device.cache_clear()
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)


def refused(*_: object, **__: object) -> torch.Tensor:
    raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nmore lines")


def test_a_gpu_that_fails_at_its_first_work_is_warned_of_once_and_the_cpu_trains(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("torch.nn.Module.to", lambda self, device: refused() if device.type == "cuda" else self)
    y = np.random.default_rng(0).normal(10, 1, (1, 24 * 60))
    past = HourlyHistory(np.datetime64("2024-01-01T00", "h"), (Series("a", "flow"),), y)
    blocks = [Block(1, 1, 1, 8), Block(1, 24, 1, 8)]
    with caplog.at_level(logging.WARNING):
        model = fit(past, until_row=past.rows, horizon=24, version="v", blocks=blocks)
    assert [p.last for p in model.parts] == [1, 24]
    (warning,) = [r.getMessage() for r in caplog.records]
    assert "no kernel image" in warning and "training goes on on the CPU" in warning
    assert "more lines" not in warning


def test_a_gpu_that_works_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecaster.device._try", lambda _: None)
    assert training_device() == torch.device("cuda")
    training_device.cache_clear()
