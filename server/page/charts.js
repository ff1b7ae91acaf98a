// Three charts per sensor: flow and pressure against the forecast, and the night's ten-minute means.
import { barAxis, flagLook, hourSteps, points, timeAxis, when } from "./axis.js";
import { draw } from "./draw.js";
import { figure, measured, minuteTime } from "./text.js";
import { say, UNITS } from "./words.js";
import { zoomable } from "./zoom.js";

const MARKS_A_SPELL = 10; // marks that one flagged spell gets at most: a leak of days must not hide the line
const WINDOW_S = 600;

/** The forecast of each hour as a step, with its band behind. */
export function forecastLayers(data, channel, zone) {
  const { hour } = data.forecast, { mean, low, high } = data.forecast[channel];
  const { x, take } = hourSteps(hour);
  const words = hour.map((at, i) => {
    const band = { low: figure(low[i], channel), high: figure(high[i], channel) };
    return `${minuteTime(at, zone)}  ${say("forecast {value}", { value: figure(mean[i], channel) })}\n${say("90 % band {low} to {high}", band)}`;
  });
  return [
    { kind: "area", x, low: take(low), high: take(high), look: "band" },
    { kind: "line", x, y: take(mean), words: take(words, ""), look: "forecast" },
  ];
}

/** Planned work as a grey background. */
export function workLayers(works) {
  return works.map((work) => ({ kind: "ground", from: work.first, to: work.end, look: "planned" }));
}

/** Indices of the points that a flagged spell covers. */
function inside(spell, data) {
  return data.series.at.flatMap((time, i) => (time > spell.start - data.step_s && time <= spell.end ? [i] : []));
}

/** What was flagged and by what it was found, in the words of the legend. */
function wordsOf({ severity, method }) {
  const what = { LEAK: say("leak suspected"), FAULT: say("instrument fault"), PLANNED: say("planned work") };
  const by = { SYSTEM: say("Instrument"), VALUE: say("Usual range"), PREDICT: say("Forecast"), NIGHT: say("Night flow") };
  return say("{what} ({method})", { what: what[severity] ?? say("watch, supply"), method: by[method] ?? method });
}

/** For each point its time, its mean and range, and what was flagged. */
function pointWords(data, channel, spells, zone) {
  const { mean, low, high } = data.series[channel];
  const words = data.series.at.map((time, i) => `${when(time, data.step_s, zone)}  ${figure(mean[i], channel)}`);
  if (low) low.forEach((each, i) => { words[i] += `\n${say("lowest {low}, highest {high}", { low: figure(each, channel), high: figure(high[i], channel) })}`; });
  for (const spell of spells) for (const i of inside(spell, data)) words[i] += `\n${wordsOf(spell)}`;
  return words;
}

/** Marks on the line for flagged points; at the lowest value if there is no point. */
function flagLayers(data, channel, spells, words, zone) {
  const values = data.series[channel].mean, { x } = points(data.series.at, data.step_s);
  const floor = values.reduce((least, value) => (value === null ? least : Math.min(least, value)), Infinity);
  const lowest = floor === Infinity ? 0 : floor;
  return spells.map((spell) => {
    const all = inside(spell, data), every = Math.max(1, Math.ceil(all.length / MARKS_A_SPELL));
    const kept = all.filter((_, n) => n % every === 0), look = flagLook(spell.severity);
    if (!kept.length) return { kind: "marks", x: [spell.start], y: [lowest], words: [`${when(spell.start, data.step_s, zone)}\n${wordsOf(spell)}`], look };
    return { kind: "marks", x: kept.map((i) => x[i]), y: kept.map((i) => values[i] ?? lowest), words: kept.map((i) => words[i]), look };
  });
}

/** What was measured: the mean, its range behind, and the same time a week before. */
function measuredLayers(data, channel, words, zone) {
  const now = points(data.series.at, data.step_s), { mean, low, high } = data.series[channel];
  const layers = low ? [{ kind: "area", x: now.x, low: now.take(low), high: now.take(high), look: "range" }] : [];
  if (data.before) {
    const then = points(data.before.at, data.step_s), values = data.before[channel].mean;
    const said = values.map((value, i) => `${when(data.before.at[i], data.step_s, zone)}  ${say("a week before {value}", { value: figure(value, channel) })}`);
    layers.push({ kind: "line", x: then.x, y: then.take(values), words: then.take(said, ""), look: "before" });
  }
  return [...layers, { kind: "line", x: now.x, y: now.take(mean), words: now.take(words, ""), look: "measured", walked: true }];
}

/** Incidents as strips along the top. */
function incidentLayers(data, zone) {
  return data.incidents.map((each) => {
    const until = each.ended ?? data.now, end = each.ended === null ? say("still up") : when(each.ended, 60, zone);
    return { kind: "roof", from: each.began, to: Math.max(until, each.began + 60), look: each.look, words: `${each.title}\n${say("{start} – {end}", { start: when(each.began, 60, zone), end })}` };
  });
}

/** Draw flow or pressure, times in the site's `zone`; a coloured strip at the bottom while something was flagged. */
export function drawSeries(node, data, channel, zone) {
  const spells = data.spells.filter((spell) => spell.channel === channel);
  const words = pointWords(data, channel, spells, zone);
  const layers = [
    { kind: "ground", from: data.now, to: data.end, look: "ahead" },
    ...workLayers(data.works),
    ...forecastLayers(data, channel, zone),
    ...measuredLayers(data, channel, words, zone),
    ...flagLayers(data, channel, spells, words, zone),
    { kind: "upright", at: data.now, look: "now" },
    ...spells.map((spell) => ({ kind: "strip", from: spell.start, to: spell.end + 60, look: flagLook(spell.severity) })),
    ...incidentLayers(data, zone),
  ];
  draw(node, (width) => ({ x: timeAxis(data.start, data.end, zone, width), unit: UNITS[channel].size, fromZero: channel === "flow", layers }));
  zoomable(node, data.sensor);
}

/** Draw the latest night as bars, the night before as a line; an incomplete window is pale and hatched. */
export function drawNight(node, data, zone) {
  const [night, before] = data.nights;
  const slots = [];
  for (let at = night.start; at < night.end; at += WINDOW_S) slots.push(at);
  const known = new Map(night.windows.map((window) => [window.at, window]));
  const names = slots.map((at) => minuteTime(at, zone));
  const windows = slots.map((at) => known.get(at));
  // By local time, because one of the two nights may be an hour shorter or longer.
  const lastNight = new Map(before.windows.map((window) => [minuteTime(window.at, zone), window.flow]));
  const earlier = names.map((name) => lastNight.get(name) ?? null);
  const words = windows.map((window, i) => [
    window ? `${names[i]}  ${measured(window.flow, "flow")}\n${measured(window.pressure, "pressure")}` : `${names[i]}  ${say("no mean")}`,
    ...(window ? [window.complete ? say("all ten minutes") : say("incomplete: {count} of ten minutes", { count: String(window.minutes) })] : []),
    ...(earlier[i] === null ? [] : [say("night before {flow}", { flow: measured(earlier[i], "flow") })]),
  ].join("\n"));
  const x = slots.map((_, i) => i);
  const layers = [
    { kind: "bars", x, y: windows.map((window) => window?.flow ?? null), words, look: (i) => (windows[i].complete ? "full" : "hatched"), walked: true },
    { kind: "line", x: x.flatMap((i) => [i - 0.5, i + 0.5]), y: earlier.flatMap((flow) => [flow, flow]), look: "before" },
  ];
  const ticks = x.filter((i) => names[i].endsWith(":00") && Number(names[i].slice(0, 2)) % 2 === 0);
  draw(node, () => ({ x: barAxis(names, ticks), unit: UNITS.flow.size, fromZero: true, layers }));
}
