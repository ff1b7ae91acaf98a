"""Draw docs/pictures/simulated_day.svg: a day of two meters of a synthetic district, with their events.

    .venv/bin/python docs/pictures/plot_simulated_day.py

Plain SVG, so the picture needs no library and can be compared line by line.
"""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from producer.district import DAY_MIN, District, SimulatedEvent

ZONE = ZoneInfo("Asia/Seoul")
SEED = 1
SENSORS, DAYS = 12, 28  # that are looked through
WIDTH, LEFT, PANEL, GAP, TOP = 860, 52, 120, 26, 34
COLOURS = {"flow": "#1f6fb4", "pressure": "#c1531b", "event": "#f3d9a0"}
EVERY_MIN = 2


def points(values: list[float | None], low: float, high: float, top: int) -> str:
    """The path of a curve, with gaps for missing values."""
    path, pen = [], "M"
    for place, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        x = LEFT + place * (WIDTH - LEFT - 10) / (len(values) - 1)
        y = top + PANEL * (1 - (value - low) / (high - low))
        path.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return " ".join(path)


def panel(name: str, unit: str, values: list[float | None], top: int) -> list[str]:
    found = [value for value in values if value is not None]
    low, high = (0.0, max(found) * 1.05) if name == "flow" else (min(found) - 0.2, max(found) + 0.1)
    lines = [f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - 10}" height="{PANEL}" fill="none" stroke="#999"/>']
    for value, y in ((high, top + 10), (low, top + PANEL)):
        lines.append(f'<text x="{LEFT - 4}" y="{y}" text-anchor="end">{value:.{0 if high > 10 else 1}f}</text>')
    lines.append(f'<text x="{LEFT + 6}" y="{top + 14}" fill="{COLOURS[name]}">{name}, {unit}</text>')
    lines.append(f'<path d="{points(values, low, high, top)}" fill="none" stroke="{COLOURS[name]}"/>')
    return lines


def band(event: SimulatedEvent, first: int, top: int, number: int) -> list[str]:
    begin, end = max(event.start - first, 0), min(event.end - first, DAY_MIN)
    scale = (WIDTH - LEFT - 10) / DAY_MIN
    x, width = LEFT + begin * scale, max((end - begin) * scale, 2)
    return [
        f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{2 * PANEL + 8}" fill="{COLOURS["event"]}"/>',
        f'<text x="{min(x + 3, WIDTH - 70):.1f}" y="{top + PANEL - 5 - 12 * number}">{event.kind}</text>',
    ]


def day_of(district: District, first: int, top: int, name: str) -> list[str]:
    minutes = range(first, first + DAY_MIN, EVERY_MIN)
    values = [district.at(minute) for minute in minutes]
    events = sorted({event for minute in minutes for event in district.events(minute)}, key=lambda event: event.start)
    lines = [line for number, event in enumerate(events) for line in band(event, first, top, number)]
    lines += panel("flow", "m³/h", [flow for flow, _ in values], top)
    lines += panel("pressure", "bar", [pressure for _, pressure in values], top + PANEL + 8)
    lines.append(f'<text x="{LEFT}" y="{top - 6}" font-weight="bold">{name}</text>')
    for hour in range(0, 25, 3):
        x = LEFT + hour * (WIDTH - LEFT - 10) / 24
        lines.append(f'<text x="{x:.1f}" y="{top + 2 * PANEL + 22}" text-anchor="middle">{hour:02}:00</text>')
    return lines


def busiest() -> tuple[int, list[str]]:
    """The day in the first weeks with the most kinds of events at two meters."""
    begin = int(datetime(2024, 8, 1, tzinfo=ZONE).timestamp()) // 60
    names = [f"D{number:03}" for number in range(1, SENSORS + 1)]
    sources = {name: District(SEED, name, ZONE) for name in names}
    best: tuple[int, int, list[str]] = (-1, 0, [])
    for day in range(DAYS):
        first = begin + day * DAY_MIN
        kinds = {
            name: {event.kind for minute in range(first, first + DAY_MIN, 10) for event in source.events(minute)}
            for name, source in sources.items()
        }
        names.sort(key=lambda name: -len(kinds[name]))
        seen = len(kinds[names[0]] | kinds[names[1]])
        if seen > best[0]:
            best = seen, first, names[:2]
    return best[1], best[2]


def main() -> None:
    first, names = busiest()
    day = datetime.fromtimestamp(first * 60, ZONE).date()
    height = TOP + len(names) * (2 * PANEL + 34 + GAP) + 6
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, name in enumerate(names):
        top = TOP + number * (2 * PANEL + 34 + GAP)
        lines += day_of(District(SEED, name, ZONE), first, top, f"{name}, {day:%A} {day}")
    Path(__file__).with_name("simulated_day.svg").write_text("\n".join([*lines, "</svg>", ""]), "utf-8")


if __name__ == "__main__":
    main()
