// The charts of the panel: a finding with measured and expected values, and the nights with their level.
import { barAxis, flagLook, points, room, timeAxis } from "./axis.js";
import { forecastLayers, workLayers } from "./charts.js";
import { draw } from "./draw.js";
import { nightFlow } from "./night-words.js";
import { dayMinute, dayTime, figure, measured, shortDate } from "./text.js";
import { say, UNITS } from "./words.js";
import { zoomable } from "./zoom.js";

const SHIFT_BACK_S = 12 * 3600; // a step of the supply is judged against the half day before it
const DAY_MS = 86400000;

/** The forecast of the hour if there is one, otherwise the usual value; at each quarter of an hour. */
function expectation(data, channel) {
  const forecasts = new Map(data.forecast.hour.map((hour, i) => [hour, data.forecast[channel].mean[i]]));
  return data.usual.at.map((at, i) => (channel === "flow" ? forecasts.get(Math.floor(at / 3600) * 3600) : null) ?? data.usual[channel][i]);
}

/** The mean difference between measured and usual values in the half day before the event. */
function shiftBefore(data, channel, since) {
  const usual = new Map(data.usual.at.map((at, i) => [at, data.usual[channel][i]]));
  const apart = data.series.at.flatMap((at, i) => {
    const expected = usual.get(Math.floor(at / 900) * 900), value = data.series[channel][i];
    return at < since && at >= since - SHIFT_BACK_S && value !== null && typeof expected === "number" ? [value - expected] : [];
  });
  return apart.length ? apart.reduce((sum, each) => sum + each, 0) / apart.length : 0;
}

/** The exceeded limit as lines; none for a limit that is not a flow or pressure (a score, a count of minutes). */
function limitLayers(data, channel) {
  const { finding } = data;
  if (!finding || finding.limit === null || channel !== data.channel) return [];
  const line = (x, y) => ({ kind: "line", x, y, words: y.map((value) => say("limit {value}", { value: figure(value, channel) })), look: "limit" });
  if (finding.limit_kind === "level") return [line(data.window, [finding.limit, finding.limit])];
  const shift = finding.code === "SUP-STEP" ? shiftBefore(data, channel, finding.since) : 0;
  const expected = expectation(data, channel);
  const signs = finding.limit_kind === "around" ? [1, -1] : [1];
  return signs.map((sign) => line(data.usual.at, expected.map((value) => (value === null ? null : value + shift + sign * Math.abs(finding.limit)))));
}

/** Draw one channel around a finding: measured, usual, forecast, limit; the event's span and the minute of the raise. */
export function drawFinding(node, data, channel, zone) {
  const { finding } = data, [from, until] = data.window, look = flagLook(data.severity);
  const words = data.series.at.map((at, i) => `${dayMinute(at, zone)}  ${figure(data.series[channel][i], channel)}`);
  const usual = data.usual[channel], { x, take } = points(data.series.at, data.step_s);
  const layers = [
    ...workLayers(data.works),
    { kind: "ground", from: finding?.since ?? data.start, to: finding?.cleared ?? data.end + 60, look },
    ...forecastLayers(data, channel, zone),
    { kind: "line", x: data.usual.at, y: usual, words: usual.map((value) => say("usual {value}", { value: figure(value, channel) })), look: "usual" },
    { kind: "line", x, y: take(data.series[channel]), words: take(words, ""), look: "measured", walked: true },
    ...limitLayers(data, channel),
    { kind: "upright", at: Math.max(finding?.raised ?? data.start, from), look: `raised ${look}` },
  ];
  draw(node, (width) => ({ x: timeAxis(from, until, zone, width), unit: UNITS[channel].size, fromZero: false, layers }));
  zoomable(node, data.sensor);
}

/** Every night between the first and the last; a night without a report is empty. */
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

/** Draw nights: night use and leakage as bars, the seven days' percentile and the reference as lines; `marked`: a date. */
export function drawNights(node, nights, zone, marked = "") {
  const shown = everyNight(nights), names = shown.map((night) => shortDate(night.night));
  const x = shown.map((_, i) => i), reported = (night) => typeof night.hour_flow === "number";
  const usual = shown.map((night) => night.usual ?? null), percentile = shown.map((night) => night.percentile_flow ?? null);
  const words = shown.map((night, i) => [
    ...(reported(night)
      ? [
        say("{date}: {flow} from {time}", { date: names[i], flow: measured(night.hour_flow, "flow"), time: dayTime(night.hour_start, zone) }),
        say("night use {use}, leakage {leakage}", { use: nightFlow(night, "night_use"), leakage: nightFlow(night, "leak_flow") }),
      ]
      : [say("{date}: too few values", { date: names[i] })]),
    ...(usual[i] === null ? [] : [say("usual (median of 24 nights) {value}", { value: measured(usual[i], "flow") })]),
    ...(percentile[i] === null ? [] : [say("20th percentile of seven nights {value}", { value: measured(percentile[i], "flow") })]),
  ].join("\n"));
  // Of an estimate the part that leaks at least is drawn as leakage.
  const use = shown.map((night) => (reported(night) ? Math.min(night.night_use ?? night.night_use_high, night.hour_flow) : null));
  const leakage = shown.map((night) => night.leak_flow ?? night.leak_flow_low ?? null);
  const layers = [
    { kind: "bars", x, y: use, words, look: () => "part", walked: true },
    { kind: "bars", x, y: leakage, base: use, look: (i) => (shown[i].night === marked ? "bad" : "full") },
    { kind: "line", x, y: usual, look: "usual" },
    { kind: "line", x, y: percentile, look: "percentile" },
  ];
  draw(node, (width) => {
    const every = Math.max(1, Math.ceil(shown.length / room(width)));
    return { x: barAxis(names, x.filter((i) => (shown.length - 1 - i) % every === 0)), unit: UNITS.flow.size, fromZero: true, layers };
  });
}
