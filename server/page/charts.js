// Three charts a sensor: flow and pressure against the forecast, and the night's ten-minute means. No tag but <br> in
// their texts: the library would set it in an inline style, which the page's policy refuses.
import { colours, CONFIG, flagColour, HOUR_S, layout, place, timeAxis, withGaps } from "./axis.js";
import { dayMinute, figure, minuteTime, plain, plainLines } from "./text.js";

const MARKS_A_SPELL = 10; // markers that one flagged spell gets at most: a leak of days must not hide the line
const SHAPES = { LEAK: "diamond", FAULT: "square", PLANNED: "circle" };

/** Hourly values as steps: each holds for its hour, a missing hour is a gap. */
export function steps(hours, values) {
  const x = [], y = [];
  hours.forEach((hour, i) => {
    if (i && hour - hours[i - 1] > HOUR_S) { x.push(place(hours[i - 1] + HOUR_S)); y.push(null); }
    x.push(place(hour), place(hour + HOUR_S - 1));
    y.push(values[i], values[i]);
  });
  return [x, y];
}

export function forecastTraces(data, channel, colour, zone) {
  const { hour } = data.forecast, { mean, low, high } = data.forecast[channel];
  const [x, y] = steps(hour, mean);
  const words = hour.flatMap((_, i) => {
    const text = `${minuteTime(hour[i], zone)}  forecast ${figure(mean[i])}<br>90 % band ${figure(low[i])} to ${figure(high[i])}`;
    return i && hour[i] - hour[i - 1] > HOUR_S ? ["", text, text] : [text, text];
  });
  const edge = { mode: "lines", line: { width: 0 }, hoverinfo: "skip" };
  return [
    ...bands(hour, low, high).flatMap((band) => [
      { ...edge, x: band.x, y: band.low },
      { ...edge, x: band.x, y: band.high, fill: "tonexty", fillcolor: colour("band") },
    ]),
    { x, y, mode: "lines", line: { color: colour("forecast"), width: 2 }, text: words, hovertemplate: "%{text}<extra></extra>" },
  ];
}

/** Stretches of hours that have a band: the library's fill does not understand gaps. */
function bands(hours, low, high) {
  const found = [];
  let open = null;
  hours.forEach((hour, i) => {
    if (low[i] === null || high[i] === null) { open = null; return; }
    if (!open || hour - open.last > HOUR_S) { open = { x: [], low: [], high: [], last: 0 }; found.push(open); }
    open.x.push(place(hour), place(hour + HOUR_S - 1));
    open.low.push(low[i], low[i]);
    open.high.push(high[i], high[i]);
    open.last = hour;
  });
  return found;
}

function wordsOf(spell) {
  return `${plain(spell.severity)}  ${plain(spell.method)}<br>${plainLines(spell.reason)}`;
}

/** For each point its time and value, and the words of what was flagged there. */
function pointWords(data, channel, zone) {
  const words = data.series.at.map((time, i) => `${dayMinute(time, zone)}  ${figure(data.series[channel][i])}`);
  for (const spell of data.spells.filter((spell) => spell.channel === channel)) {
    data.series.at.forEach((time, i) => {
      if (time > spell.start - data.step_s && time <= spell.end) words[i] += `<br>${wordsOf(spell)}`;
    });
  }
  return words;
}

function flagTraces(data, channel, colour, zone) {
  const { at } = data.series, values = data.series[channel];
  const floor = lowest(values);
  return data.spells.filter((spell) => spell.channel === channel).map((spell) => {
    const inside = at.map((_, i) => i).filter((i) => at[i] > spell.start - data.step_s && at[i] <= spell.end);
    const every = Math.max(1, Math.ceil(inside.length / MARKS_A_SPELL));
    const kept = inside.filter((_, n) => n % every === 0);
    return {
      x: kept.length ? kept.map((i) => place(at[i])) : [place(spell.start)],
      y: kept.length ? kept.map((i) => values[i] ?? floor) : [floor],
      text: (kept.length ? kept.map((i) => at[i]) : [spell.start]).map((time) => `${dayMinute(time, zone)}<br>${wordsOf(spell)}`),
      mode: "markers",
      marker: { symbol: SHAPES[spell.severity] ?? "triangle-up", size: 9, color: colour(flagColour(spell.severity)), line: { color: colour("card"), width: 1 } },
      hovertemplate: "%{text}<extra></extra>",
    };
  });
}

function lowest(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((least, value) => Math.min(least, value)) : 0;
}

/** A coloured strip along the foot of the chart for as long as something was flagged. */
function strips(data, channel, colour) {
  return data.spells.filter((spell) => spell.channel === channel).map((spell) => ({
    type: "rect", xref: "x", yref: "paper", x0: place(Math.max(spell.start, data.start)), x1: place(spell.end + 60),
    y0: 0, y1: 0.02, fillcolor: colour(flagColour(spell.severity)), line: { width: 0 }, layer: "above",
  }));
}

/** Planned work as a grey ground behind the line. */
export function workShapes(works, colour, start, end) {
  return works.map((work) => ({
    type: "rect", xref: "x", yref: "paper", x0: place(Math.max(work.first, start)), x1: place(Math.min(work.end, end)),
    y0: 0, y1: 1, fillcolor: colour("planned-ground"), line: { width: 0 }, layer: "below",
  }));
}

/** Draw flow or pressure, times in the site's `zone`. */
export function drawSeries(node, data, channel, zone) {
  const colour = colours();
  const measured = withGaps(data.series.at, data.series[channel], pointWords(data, channel, zone), data.step_s);
  const traces = [
    ...forecastTraces(data, channel, colour, zone),
    { ...measured, mode: "lines", line: { color: colour("measured"), width: 1.8 }, hovertemplate: "%{text}<extra></extra>" },
    ...flagTraces(data, channel, colour, zone),
  ];
  const now = place(data.now);
  return window.Plotly.react(node, traces, layout(colour, {
    xaxis: timeAxis(data.start, data.end, zone, node.clientWidth),
    yaxis: channel === "flow" ? { rangemode: "tozero" } : {},
    shapes: [
      { type: "rect", xref: "x", yref: "paper", x0: now, x1: place(data.end), y0: 0, y1: 1, fillcolor: colour("ahead"), line: { width: 0 }, layer: "below" },
      { type: "line", xref: "x", yref: "paper", x0: now, x1: now, y0: 0, y1: 1, line: { color: colour("quiet"), width: 1, dash: "dot" } },
      ...workShapes(data.works, colour, data.start, data.end),
      ...strips(data, channel, colour),
    ],
  }), CONFIG);
}

/** Draw the night that began last as bars, the night before as a line; a part-filled window is pale and hatched. */
export function drawNight(node, data, zone) {
  const colour = colours(), [night, before] = data.nights;
  const slots = [];
  for (let at = night.start; at < night.end; at += 600) slots.push(at);
  const known = new Map(night.windows.map((window) => [window.at, window]));
  const names = slots.map((at) => minuteTime(at, zone));
  const windows = slots.map((at) => known.get(at) ?? null);
  const words = windows.map((window, i) => window
    ? `${names[i]}  ${figure(window.flow)} m³/h<br>${figure(window.pressure)} bar<br>${window.complete ? "all ten minutes" : `incomplete: ${window.minutes} of 10 minutes`}`
    : "");
  // By the clock, since one of the two nights may be an hour shorter or longer.
  const lastNight = new Map(before.windows.map((window) => [minuteTime(window.at, zone), window.flow]));
  const bars = (shown, look) => ({
    type: "bar", x: slots.map((_, i) => i), y: windows.map((window) => (window && shown(window) ? window.flow : null)),
    text: words, textposition: "none", marker: look, hovertemplate: "%{text}<extra></extra>",
  });
  const hatch = { shape: "/", fgcolor: colour("warn"), bgcolor: colour("bar-part"), size: 6, solidity: 0.35 };
  const traces = [
    bars((window) => window.complete, { color: colour("bar") }),
    bars((window) => !window.complete, { color: colour("bar-part"), pattern: hatch }),
    {
      x: slots.map((_, i) => i), y: names.map((name) => lastNight.get(name) ?? null), mode: "lines",
      line: { color: colour("before"), width: 2, shape: "hvh" }, hovertemplate: "night before %{y:.3~f}<extra></extra>",
    },
  ];
  const ticks = slots.map((_, i) => i).filter((i) => names[i].endsWith(":00") && Number(names[i].slice(0, 2)) % 2 === 0);
  return window.Plotly.react(node, traces, layout(colour, {
    bargap: 0.18,
    barmode: "overlay",
    xaxis: { type: "linear", range: [-0.6, slots.length - 0.4], tickvals: ticks, ticktext: ticks.map((i) => names[i]), showgrid: false, tickangle: 0 },
    yaxis: { rangemode: "tozero" },
  }), CONFIG);
}
