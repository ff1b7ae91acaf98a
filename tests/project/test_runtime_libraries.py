"""What a field box gets: libraries that run there, and nothing that only builds, tests or draws."""

import pytest
from runtime_libraries import runtime_libraries


@pytest.mark.parametrize(
    "name",
    [
        *("pytest", "pytest-xdist", "hypothesis", "playwright", "ruff", "mypy", "noida-db", "aiosmtpd", "coverage"),
        *("matplotlib", "plotly", "tqdm"),
    ],
)
def test_a_box_gets_no_tool_of_ours(name: str) -> None:
    found = runtime_libraries()
    assert {"numpy", "psycopg-binary", "anyio", "confluent-kafka", "apprise"} <= found.keys(), "the list itself"
    assert name not in found
