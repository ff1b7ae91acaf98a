"""A database with a registered sensor whose minutes a test fills in, and a model that was never trained."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from common import forecast_file
from common.settings import Settings
from forecaster.conformal import LEAD_BLOCKS
from forecaster.dataset import Series
from forecaster.fallback import Units
from forecaster.features import HOUR as HOUR_INPUTS
from forecaster.features import LEAD, SHARED, Array
from forecaster.forward import EMBEDDING, HIDDEN, NARROW, PATCH_H, WIDE
from forecaster.predict import Model, Part
from forecaster.step import Forecaster

NOON = datetime(2024, 8, 26, 3, 0, tzinfo=UTC)  # 12:00 in Seoul
HOUR = timedelta(hours=1)
FILL = """
INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, flow_flags, pressure_flags, log_id, log_offset)
SELECT %(sensor)s, t,
       10 + 5 * sin(2 * pi() * extract(hour FROM t AT TIME ZONE 'Asia/Seoul') / 24)
          + 2 * sin(2 * pi() * extract(dow FROM t AT TIME ZONE 'Asia/Seoul') / 7) + %(noise)s * (random() - 0.5),
       4 - 0.5 * sin(2 * pi() * extract(hour FROM t AT TIME ZONE 'Asia/Seoul') / 24)
         + 0.02 * %(noise)s * (random() - 0.5),
       60, %(flags)s, '000', 'log', row_number() OVER ()
FROM generate_series(%(first)s::timestamptz, %(until)s::timestamptz - interval '1 minute', interval '1 minute') t
"""


class Site:
    """A database with a registered sensor whose minutes the test fills in."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings, self.data, self.url = settings, settings.paths.data, url
        self.connection = psycopg.connect(url, autocommit=True)
        self.made: list[Forecaster] = []
        self.register("001")

    def register(self, sensor: str) -> None:
        self.connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES (%s)", (sensor,))

    def fill(self, first: datetime, until: datetime, **keys: Any) -> None:
        day = first
        while day <= until + timedelta(days=31):
            self.connection.execute("SELECT real_val_partition(%s)", (day,))
            day += timedelta(days=20)
        values = {"sensor": "001", "flags": "0000", "noise": 1.0, "first": first, "until": until, **keys}
        self.connection.execute(FILL, values)

    def forecaster(self, **keys: Any) -> Forecaster:
        self.made.append(Forecaster(self.settings, None, **{"patient": False, **keys}))
        return self.made[-1]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode()).fetchall()

    def close(self) -> None:
        for forecaster in self.made:
            forecaster.close()
        self.connection.close()


def network(random: np.random.Generator, series: int) -> dict[str, Array]:
    """Small weights by chance, made without PyTorch."""
    shapes = {
        "encoder.weight_ih_l0": (4 * HIDDEN, PATCH_H * HOUR_INPUTS),
        "encoder.weight_hh_l0": (4 * HIDDEN, HIDDEN),
        "encoder.bias_ih_l0": (4 * HIDDEN,),
        "encoder.bias_hh_l0": (4 * HIDDEN,),
        "embedding.weight": (series + 1, EMBEDDING),
        "from_shared.weight": (WIDE, HIDDEN + SHARED + EMBEDDING),
        "from_shared.bias": (WIDE,),
        "from_lead.weight": (WIDE, LEAD),
        "middle.weight": (NARROW, WIDE),
        "middle.bias": (NARROW,),
        "head.weight": (5, NARROW),
        "head.bias": (5,),
        "skip.weight": (1, SHARED + LEAD),
        "own_skip.weight": (series + 1, SHARED + LEAD),
    }
    return {name: random.normal(0, 0.01, shape).astype(np.float32) for name, shape in shapes.items()}


def untrained(version: str) -> Model:
    """A model of one series that was never trained."""
    part = Part(24, (network(np.random.default_rng(1), 1),))
    units = Units(np.ones(1), np.full(1, 10.0), np.ones(1))
    return Model(version, (Series("001", "flow"),), units, (part,), np.ones((2, len(LEAD_BLOCKS))))


def current(site: Site, hour: datetime) -> list[forecast_file.ForecastLine]:
    return [line for line in forecast_file.read(site.data) if line.made_at == hour]
