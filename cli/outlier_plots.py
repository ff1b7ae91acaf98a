"""Plots of what would have been raised: a standalone page; all text from outside is escaped."""

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from common.clock import local_text
from outliers.calendar import Work
from outliers.findings import RAISE, Finding
from outliers.findings_text import text
from outliers.flags import FAULT, LEAK, PLANNED, SUPPLY, WATCH
from outliers.learn.build import History

if TYPE_CHECKING:
    from outliers.watch.detector import Detector

STEP_MIN = 10  # minutes per plotted point: a quarter of a year is 13,000 points per line
COLOURS = {LEAK: "#c4232b", FAULT: "#7a43b6", SUPPLY: "#a85b00", WATCH: "#e09a1a", PLANNED: "#7b8494"}
MEASURED, EXPECTED = "#1463d8", "#7b8494"
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:24px auto;max-width:1200px;padding:0 16px;color:#141a22}"
    "table{border-collapse:collapse;width:100%;margin-bottom:40px}td,th{text-align:left;padding:4px 12px 4px 0;"
    "border-bottom:1px solid #dde2e9;vertical-align:top}td{white-space:nowrap}td.why{white-space:normal}"
)


@dataclass(slots=True)
class JudgedSensor:
    """One sensor's backtest: the measured and expected values, and the findings."""

    sensor: str
    rows: History
    zone: ZoneInfo
    works: Sequence[Work]
    findings: list[Finding] = field(default_factory=list)
    expected: dict[int, tuple[float, float]] = field(default_factory=dict)  # minute -> flow (m3/h), pressure (bar)

    def look(self, minute: int, detector: "Detector") -> None:
        """Store the detector's expectation at every tenth minute."""
        if minute % STEP_MIN == 0:
            flow, pressure = detector.expected()
            self.expected[minute] = (np.nan if flow is None else flow, np.nan if pressure is None else pressure)

    def counts(self) -> Counter[str]:
        """The number of findings by severity."""
        return Counter(finding.severity for finding in self.findings if finding.state == RAISE)

    def spells(self) -> Iterator[tuple[Finding, int]]:
        """Each raised finding with the minute of its clear, or the end."""
        end = self.rows.first + len(self.rows.flow)
        for place, finding in enumerate(self.findings):
            if finding.state == RAISE:
                key = (finding.code, finding.channel, finding.severity)
                over = (f.minute for f in self.findings[place + 1 :] if (f.code, f.channel, f.severity) == key)
                yield finding, next(over, end)


def page(courses: Sequence[JudgedSensor], said: str) -> str:
    """The whole page."""
    parts = [
        f"<h1>What would have been raised</h1><p>{html.escape(said)}. Times are those of the site's clock. "
        "Blue: measured; grey: expected. Coloured ground: from its beginning to its end; diamond: raised. "
        "Grey ground: planned work.</p>"
    ]
    for number, course in enumerate(courses):
        plot = _figure(course).to_html(full_html=False, include_plotlyjs=number == 0)
        parts.append(f"<h2>Sensor {html.escape(course.sensor)}</h2>{plot}{_table(course)}")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>hydrolog: outliers of the past</title>'
        f"<style>{_STYLE}</style>" + "\n".join(parts)
    )


def _figure(course: JudgedSensor) -> Any:
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.1, subplot_titles=("flow, m3/h", "pressure, bar")
    )
    minutes = np.arange(course.rows.first // STEP_MIN, (course.rows.first + len(course.rows.flow)) // STEP_MIN)
    at = [int(minute) * STEP_MIN for minute in minutes]
    times = [local_text(minute, course.zone) for minute in at]
    for row, values in ((1, course.rows.flow), (2, course.rows.pressure)):
        channel = row - 1
        expected = [course.expected.get(minute, (np.nan, np.nan))[channel] for minute in at]
        look = {"width": 1.2, "color": EXPECTED}
        figure.add_scatter(x=times, y=_short(expected), name="expected", line=look, row=row, col=1)
        means = _short(_means(values, course.rows.first, at))
        figure.add_scatter(x=times, y=means, name="measured", line={"width": 1.2, "color": MEASURED}, row=row, col=1)
        for mark in _marks(course, channel, dict(zip(at, means, strict=True))):
            figure.add_trace(mark, row=row, col=1)
    figure.update_layout(height=620, margin={"t": 40, "b": 30}, showlegend=False, hovermode="closest")
    figure.update_layout(shapes=[*_spans(course), *_work_spans(course)])
    return figure


def _means(values: np.ndarray, first: int, at: Sequence[int]) -> list[float]:
    """Means of the ten minutes from each of `at` on; NaN without values."""
    means = []
    for minute in at:
        part = values[max(0, minute - first) : minute - first + STEP_MIN]
        good = part[np.isfinite(part)]
        means.append(float(good.mean()) if len(good) else np.nan)
    return means


def _marks(course: JudgedSensor, channel: int, means: dict[int, float | None]) -> Iterator[Any]:
    """A diamond for each raise, with its reason as hover text."""
    from plotly.graph_objects import Scatter

    name = ("flow", "pressure")[channel]
    for finding, _ in course.spells():
        if finding.channel in (name, "both"):
            place = finding.minute // STEP_MIN * STEP_MIN
            yield Scatter(
                x=[local_text(finding.minute, course.zone)],
                y=[means.get(place)],
                mode="markers",
                marker={"size": 10, "symbol": "diamond", "color": COLOURS.get(finding.severity, EXPECTED)},
                hovertext=[html.escape(f"{finding.severity.upper()} {finding.code}: {text(finding)}")],
                hoverinfo="text",
            )


def _spans(course: JudgedSensor) -> Iterator[dict[str, Any]]:
    """A background span from the start of each finding to its end."""
    for finding, over in course.spells():
        rows = {"flow": ("y",), "pressure": ("y2",)}.get(finding.channel, ("y", "y2"))
        for axis in rows:
            yield _shape(finding.since, over, f"{axis} domain", COLOURS.get(finding.severity, EXPECTED), course.zone)


def _work_spans(course: JudgedSensor) -> Iterator[dict[str, Any]]:
    first, end = course.rows.first, course.rows.first + len(course.rows.flow)
    for work in course.works:
        if work.end > first and work.first < end:
            yield _shape(max(first, work.first), min(end, work.end), "paper", COLOURS[PLANNED], course.zone)


def _shape(first: int, end: int, yref: str, colour: str, zone: ZoneInfo) -> dict[str, Any]:
    place = {"x0": local_text(first, zone), "x1": local_text(end, zone), "y0": 0, "y1": 1}
    return {"type": "rect", "yref": yref, **place, "fillcolor": colour, "opacity": 0.15, "line": {"width": 0}}


def _table(course: JudgedSensor) -> str:
    if not course.findings:
        return "<p>Nothing would have been raised.</p>"
    lines = [
        _cells(
            local_text(finding.minute, course.zone),
            f"{finding.severity.upper()} {finding.code}",
            finding.channel,
            f"until {local_text(over, course.zone)}",
            text(finding),
        )
        for finding, over in course.spells()
    ]
    head = "<tr><th>Raised<th>What<th>Channel<th>Up<th>Why</tr>"
    return f"<table>{head}{''.join(lines)}</table>"


def _cells(*texts: str) -> str:
    *short, why = (html.escape(text) for text in texts)
    return f"<tr>{''.join(f'<td>{text}</td>' for text in short)}<td class=why>{why}</td></tr>"


def _short(values: Iterable[float]) -> list[float | None]:
    return [None if value != value else round(value, 3) for value in values]  # noqa: PLR0124 - NaN
