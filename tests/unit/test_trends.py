"""The small line of a sensor's last day: its gaps stay gaps, and noise is not drawn as a swing."""

import re

from server.trends import EDGE, HEIGHT, WIDTH, Trend, line


def places(trend: Trend | None) -> list[tuple[float, float]]:
    assert trend is not None
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+) ([\d.]+)", trend.path)]


def test_a_line_fills_its_drawing_and_knows_its_range() -> None:
    trend = line([5.0, 10.0, 7.5])
    assert places(trend) == [(EDGE, HEIGHT - EDGE), (WIDTH / 2, EDGE), (WIDTH - EDGE, HEIGHT / 2)]
    assert trend is not None and (trend.low, trend.high) == (5.0, 10.0)


def test_a_missing_hour_breaks_the_line_and_a_lonely_one_is_a_dot() -> None:
    trend = line([1.0, 2.0, None, 3.0, None, 2.0, 2.0])
    assert trend is not None
    assert [part.count("L") for part in trend.path.split("M")[1:]] == [1, 0, 1]
    assert "h0" in trend.path.split("M")[2]
    assert line([None, None]) is None and line([]) is None


def test_what_hardly_changes_is_flat() -> None:
    heights = [y for _, y in places(line([100.0, 100.4, 99.8]))]
    assert max(heights) - min(heights) < 1
    assert {y for _, y in places(line([0.0, 0.0]))} == {HEIGHT / 2}
