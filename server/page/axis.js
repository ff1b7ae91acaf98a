// Shared by the charts: the time axis in the site's zone, gaps, steps, and the style of a severity.
import { minuteTime, parts, weekDay } from "./text.js";

const HOUR_S = 3600;
const QUARTER_S = 900; // zones lie whole quarters of an hour apart
const TICK_HOURS = [1, 2, 3, 6, 12, 24, 48, 96, 168, 336];
const TICK_WIDTH = 74; // pixels that a label needs

/** The axis from `from` to `to` (UTC s): an hour has the same width on the day of a clock change, and each label is the
 * local time at its position. */
export function timeAxis(from, to, zone, width) {
  const most = Math.max(3, Math.floor(width / TICK_WIDTH));
  const hours = TICK_HOURS.find((each) => (to - from) / HOUR_S / each <= most) ?? TICK_HOURS.at(-1);
  const ticks = [];
  for (let at = Math.ceil(from / QUARTER_S) * QUARTER_S; at <= to; at += QUARTER_S) {
    const { hour, minute, day } = parts(at, zone);
    if (minute !== 0 || hour % Math.min(hours, 24) !== 0 || (hours > 24 && day % (hours / 24) !== 0)) continue;
    if (hours >= 24) ticks.push({ at, words: weekDay(at, zone) });
    else ticks.push({ at, words: hour === 0 ? `00:00\n${weekDay(at, zone)}` : minuteTime(at, zone) });
  }
  return { from, to, ticks, grid: true };
}

/** An axis with `names.length` positions, one bar each; those in `ticks` are labelled. */
export function barAxis(names, ticks) {
  return { from: -0.6, to: names.length - 0.4, ticks: ticks.map((i) => ({ at: i, words: names[i] })), grid: false };
}

/** The number of labels that fit. */
export function room(width) {
  return Math.max(2, Math.floor(width / TICK_WIDTH));
}

/** Points with a gap wherever more than two steps are missing, so no line is drawn across it. */
export function withGaps(at, values, words, step) {
  const made = { x: [], y: [], words: [] };
  const add = (x, y, word) => { made.x.push(x); made.y.push(y); made.words.push(word); };
  at.forEach((time, i) => {
    if (i && time - at[i - 1] > 2 * step) add(at[i - 1] + step, null, "");
    add(time, values[i], words[i]);
  });
  return made;
}

/** Hourly values as steps, each with its index: a value covers its hour, a missing hour is a gap (-1). */
export function hourSteps(hours) {
  const x = [], index = [];
  hours.forEach((hour, i) => {
    if (i && hour - hours[i - 1] > HOUR_S) { x.push(hours[i - 1] + HOUR_S); index.push(-1); }
    x.push(hour, hour + HOUR_S - 1);
    index.push(i, i);
  });
  return { x, take: (values, missing = null) => index.map((i) => (i < 0 ? missing : values[i])) };
}

export function flagLook(severity) {
  return { LEAK: "bad", FAULT: "fault", PLANNED: "planned" }[severity] ?? "warn";
}
