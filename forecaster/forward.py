"""The network's answer from its weights, in numpy: an hourly forecast needs no PyTorch, which takes seconds to load.

`forecaster.model` is the same network as PyTorch trains it; a test holds the two together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from forecaster.dataset import IntArray
from forecaster.features import SHARED, Array
from forecaster.gather import Batch

Weights = Mapping[str, Array]  # the names and shapes of PyTorch's state_dict()

PATCH_H = 3  # hours that the LSTM reads at once: a third of the work of one by one, no worse
HIDDEN = 48  # of the LSTM
WIDE, NARROW = 128, 64  # of the decoder
EMBEDDING = 4  # numbers that describe a known sensor; an unknown one has zeros


def quantiles(weights: Weights, batch: Batch, known: IntArray) -> Array:
    """Low, middle and high (5, 50, 95 %) of the residual, [B, L, 3]; `known` [B] as in the network."""
    state = _last_state(weights, batch.recent)
    shared = np.concatenate([state, batch.shared, weights["embedding.weight"][known]], 1)
    wide = _linear(weights, "from_shared", shared)[:, None] + batch.lead @ weights["from_lead.weight"].T
    out = _linear(weights, "head", _silu(_linear(weights, "middle", _silu(wide))))  # [B, L, 5]
    line = weights["skip.weight"] + weights["own_skip.weight"][known]  # [B, SHARED + LEAD]
    straight = (batch.shared * line[:, :SHARED]).sum(1)
    middle = out[..., 2] + straight[:, None] + (batch.lead @ line[:, SHARED:, None])[..., 0]
    gap = np.logaddexp(out, np.float32(0))  # softplus
    low, high = middle - gap[..., 0] - gap[..., 1], middle + gap[..., 3] + gap[..., 4]
    return np.stack([low, middle, high], -1)


def _linear(weights: Weights, name: str, x: Array) -> Array:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)


def _sigmoid(x: Array) -> Array:
    return cast(Array, 0.5 * np.tanh(0.5 * x) + 0.5)


def _last_state(weights: Weights, recent: Array) -> Array:
    """The LSTM's state after the last patch. [B, HIDDEN]"""
    windows, hours, numbers = recent.shape
    patches = recent.reshape(windows, hours // PATCH_H, PATCH_H * numbers)
    inner = weights["encoder.weight_hh_l0"].T
    size = inner.shape[0]
    bias = weights["encoder.bias_ih_l0"] + weights["encoder.bias_hh_l0"]
    given = patches @ weights["encoder.weight_ih_l0"].T + bias  # [B, patches, 4 HIDDEN]
    state, cell = np.zeros((2, windows, size), dtype=np.float32)
    for patch in range(given.shape[1]):
        gates = given[:, patch] + state @ inner  # input, forget, candidate, output
        candidate = np.tanh(gates[:, 2 * size : 3 * size])
        opened = _sigmoid(gates)
        cell = opened[:, size : 2 * size] * cell + opened[:, :size] * candidate
        state = opened[:, 3 * size :] * np.tanh(cell)
    return state
