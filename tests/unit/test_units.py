"""The reader's units: converted there and back, with no digit that is not known, and with the number on one line."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import registry
from common.messages import words
from common.refused import Refused
from common.units import CHOICES, NO_BREAK, USUAL, Unit, Units, chosen

ALL = [Units(flow, pressure) for flow, pressure in product(*CHOICES.values())]
LITRES = chosen({"flow_unit": "L/s", "pressure_unit": "kPa"})
COLUMNS = [column for column, figure in registry.FIGURES.items() if figure.unit in CHOICES]


@given(st.floats(-1e7, 1e7), st.sampled_from([*CHOICES["flow"], *CHOICES["pressure"]]))
def test_a_value_comes_back_from_each_unit(value: float, unit: Unit) -> None:
    assert unit.back(unit.of(value)) == pytest.approx(value)
    assert len(f"{unit.of(value):.{unit.decimals(unit.of(value))}f}".partition(".")[2]) <= unit.digits


def test_a_litre_a_second_is_3_6_cubic_metres_an_hour_and_a_bar_is_100_kilopascal_or_10_metres() -> None:
    speech = [words("en", units) for units in ALL]
    assert {each.measured("flow", 36.0) for each in speech} == {"36.00 m³/h", "10.00 L/s"}
    assert {each.measured("pressure", 4.11) for each in speech} == {"4.11 bar", "411 kPa", "41.9 m"}
    assert {each.measured("pressure", 0.5) for each in speech} == {"0.50 bar", "50 kPa", "5.1 m"}


def test_an_error_is_converted_with_its_value_and_rounds_it() -> None:
    for language, said in (("en", "2.6 ± 0.4 L/s"), ("ko", "2.6 L/s(±0.4)")):
        assert words(language, LITRES).flow(9.3412, 1.3) == said.replace(" ", NO_BREAK)
    assert words("en", LITRES).about_flow(360.0) == f"100{NO_BREAK}L/s"
    assert words("en", LITRES).span(82) == f"1{NO_BREAK}hour 22{NO_BREAK}minutes"
    assert words("en").flow(9.3412, 1.13) == "9.3 ± 1.1 m³/h"  # a message, which some gateway may not take


@pytest.mark.parametrize("asked", [{}, {"flow_unit": "gpm", "pressure_unit": ""}, {"flow": "L/s"}])
def test_what_is_not_understood_is_the_usual(asked: dict[str, str]) -> None:
    assert chosen(asked, " ") == USUAL
    assert all(chosen(units.keys, " ") == units for units in ALL)


@given(st.sampled_from(COLUMNS), st.sampled_from(ALL), st.decimals("0.2", "99999", places=2))
def test_what_is_typed_stands_in_the_form_again(column: str, units: Units, typed: object) -> None:
    try:
        value = registry.parsed(column, str(typed), units)
    except Refused:
        return
    assert float(registry.shown(column, value, units)) == pytest.approx(float(str(typed)), rel=1e-6)
    assert isinstance(value, float)
    unit = registry.FIGURES[column].shown_in(units)
    assert value == pytest.approx(float(str(typed)) * unit.size)


def test_bounds_are_said_in_the_unit_that_was_typed() -> None:
    for units, said in ((USUAL, "between 0.1 and 100"), (LITRES, "between 10 and 10,000")):
        with pytest.raises(Refused, match=said):
            registry.parsed("reference_pressure", "20000", units)
    for text in ("nan", "inf", "1e400", "-1"):
        with pytest.raises(Refused):
            registry.parsed("flow_max", text, LITRES)
