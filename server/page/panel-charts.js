// The charts that explain: a finding between what was measured and what was expected, and the nights with their level.
import { colours, CONFIG, flagColour, layout, place, timeAxis, withGaps } from "./axis.js";
import { forecastTraces, workShapes } from "./charts.js";
import { dayMinute, dayTime, figure, plain, shortDate } from "./text.js";

const SHIFT_BACK_S = 12 * 3600; // a step of the supply is judged against the half day before it
const DAY_MS = 86400000;
const REFERENCE_NIGHTS = 24, HELD_BACK = 3; // as the NIGHT method compares

/** The hour's own forecast where there is one, else what is usual then; at each quarter of an hour. */
function expectation(data, channel) {
  const forecasts = new Map(data.forecast.hour.map((hour, i) => [hour, data.forecast[channel].mean[i]]));
  return data.usual.at.map((at, i) => (channel === "flow" ? forecasts.get(Math.floor(at / 3600) * 3600) : null) ?? data.usual[channel][i]);
}

/** How far the measured values lay from the usual ones in the half day before the trouble, on average. */
function shiftBefore(data, channel, since) {
  const usual = new Map(data.usual.at.map((at, i) => [at, data.usual[channel][i]]));
  const apart = data.series.at.flatMap((at, i) => {
    const expected = usual.get(Math.floor(at / 900) * 900), value = data.series[channel][i];
    return at < since && at >= since - SHIFT_BACK_S && value !== null && typeof expected === "number" ? [value - expected] : [];
  });
  return apart.length ? apart.reduce((sum, each) => sum + each, 0) / apart.length : 0;
}

/** The limit that was passed, as lines; none for a limit that is no flow or pressure (a score, a count of minutes). */
function limitTraces(data, channel, colour) {
  const { finding } = data;
  if (!finding || finding.limit === null || channel !== data.channel) return [];
  const look = { mode: "lines", line: { color: colour("bad"), width: 1.5, dash: "dot" } };
  const [from, until] = data.window;
  if (finding.limit_kind === "level") {
    const text = `limit ${figure(finding.limit)}`;
    return [{ ...look, x: [place(from), place(until)], y: [finding.limit, finding.limit], text: [text, text], hovertemplate: "%{text}<extra></extra>" }];
  }
  const shift = finding.code === "SUP-STEP" ? shiftBefore(data, channel, finding.since) : 0;
  const expected = expectation(data, channel);
  const signs = finding.limit_kind === "around" ? [1, -1] : [1];
  return signs.map((sign) => {
    const y = expected.map((value) => (value === null ? null : value + shift + sign * Math.abs(finding.limit)));
    return { ...look, x: data.usual.at.map(place), y, text: y.map((value) => `limit ${figure(value)}`), hovertemplate: "%{text}<extra></extra>" };
  });
}

function spanShapes(data, colour) {
  const { finding } = data, [from, until] = data.window;
  const since = Math.max(finding?.since ?? data.start, from), over = Math.min(finding?.cleared ?? data.end + 60, until);
  const line = (at, dash) => ({ type: "line", xref: "x", yref: "paper", x0: place(at), x1: place(at), y0: 0, y1: 1, line: { color: colour(flagColour(data.severity)), width: 2, dash } });
  const ground = { type: "rect", xref: "x", yref: "paper", x0: place(since), x1: place(over), y0: 0, y1: 1, fillcolor: colour(flagColour(data.severity)), opacity: 0.12, line: { width: 0 }, layer: "below" };
  return [ground, line(Math.max(finding?.raised ?? data.start, from), "solid")];
}

/** Draw one channel around a finding: measured, usual, forecast, limit; the trouble's span and the minute it was raised. */
export function drawFinding(node, data, channel, zone) {
  const colour = colours(), [from, until] = data.window;
  const words = data.series.at.map((at, i) => `${dayMinute(at, zone)}  ${figure(data.series[channel][i])}`);
  const usual = data.usual[channel].map((value) => `usual ${figure(value)}`);
  const traces = [
    ...forecastTraces(data, channel, colour, zone),
    { x: data.usual.at.map(place), y: data.usual[channel], text: usual, mode: "lines", line: { color: colour("usual"), width: 2, dash: "dash" }, hovertemplate: "%{text}<extra></extra>" },
    { ...withGaps(data.series.at, data.series[channel], words, data.step_s), mode: "lines", line: { color: colour("measured"), width: 1.8 }, hovertemplate: "%{text}<extra></extra>" },
    ...limitTraces(data, channel, colour),
  ];
  const shapes = [...workShapes(data.works, colour, from, until), ...spanShapes(data, colour)];
  return window.Plotly.react(node, traces, layout(colour, { xaxis: timeAxis(from, until, zone, node.clientWidth), shapes }), CONFIG);
}

/** Every night between the first and the last; one without a report is an empty place. */
function everyNight(nights) {
  const known = new Map(nights.map((night) => [night.night, night]));
  const found = [];
  const last = Date.parse(`${nights.at(-1).night}T00:00:00Z`);
  for (let day = Date.parse(`${nights[0].night}T00:00:00Z`); day <= last; day += DAY_MS) {
    const name = new Date(day).toISOString().slice(0, 10);
    found.push(known.get(name) ?? { night: name });
  }
  return found;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b), half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** What each night is compared with: the median of the 24 before, the newest three held back. */
function references(nights) {
  return nights.map((_, i) => {
    const before = nights.slice(0, Math.max(0, i - HELD_BACK)).flatMap((night) => (typeof night.hour_flow === "number" ? [night.hour_flow] : []));
    return before.length >= 7 ? median(before.slice(-REFERENCE_NIGHTS)) : null;
  });
}

/** Draw nights: night use and leakage as bars, the seven days' percentile and the reference as lines; `marked`: a date. */
export function drawNights(node, nights, zone, marked = "") {
  const colour = colours(), shown = everyNight(nights);
  const x = shown.map((_, i) => i);
  const words = shown.map((night) => (typeof night.hour_flow === "number"
    ? `${shortDate(night.night)}: ${figure(night.hour_flow)} m³/h from ${plain(dayTime(night.hour_start, zone))}<br>night use ${figure(night.night_use)}, leakage ${figure(night.leak_flow)}`
    : `${shortDate(night.night)}: too few values`));
  const bar = (values, name) => ({
    type: "bar", x, y: values, text: words, textposition: "none", hovertemplate: "%{text}<extra></extra>",
    marker: { color: shown.map((night) => colour(night.night === marked && name === "bar" ? "bad" : name)) },
  });
  const line = (values, name, text) => ({ x, y: values, mode: "lines", text: values.map((value) => `${text} ${figure(value)}`), hovertemplate: "%{text}<extra></extra>", line: { color: colour(name), width: 2, dash: name === "usual" ? "dash" : "solid" } });
  const use = shown.map((night) => (typeof night.hour_flow === "number" ? Math.min(night.night_use, night.hour_flow) : null));
  const traces = [
    bar(use, "bar-part"),
    bar(shown.map((night) => night.leak_flow ?? null), "bar"),
    line(references(shown), "usual", "usual (median of 24 nights)"),
    line(shown.map((night) => night.percentile_flow ?? null), "percentile", "20th percentile of seven nights"),
  ];
  const every = Math.max(1, Math.ceil(shown.length / Math.max(2, Math.floor(node.clientWidth / 74))));
  const ticks = x.filter((i) => (shown.length - 1 - i) % every === 0);
  return window.Plotly.react(node, traces, layout(colour, {
    barmode: "stack", bargap: 0.2, yaxis: { rangemode: "tozero" },
    xaxis: { type: "linear", range: [-0.6, shown.length - 0.4], tickmode: "array", tickvals: ticks, ticktext: ticks.map((i) => shortDate(shown[i].night)), showgrid: false, tickangle: 0 },
  }), CONFIG);
}
