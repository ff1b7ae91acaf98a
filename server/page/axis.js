// Shared by the charts: the time axis in the site's zone, gaps, steps, and the style of a severity.
import { dayMinute, dayMonth, dayTime, minuteTime, monthName, parts, weekDay } from "./text.js";

const HOUR_S = 3600, DAY_S = 86400;
const QUARTER_S = 900; // zones lie whole quarters of an hour apart
const TICK_MINUTES = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 5760, 10080];
const TICK_MONTHS = [1, 2, 3, 6, 12];
const TICK_WIDTH = 74; // pixels that a label needs
const WEEKDAYS_S = 15 * DAY_S; // a longer axis names dates, not days of the week
const MONTHS_S = 70 * DAY_S; // a longer axis names months

/** The axis from `from` to `to` (UTC s): an hour has the same width on the day of a clock change, and each label is the
 * local time at its position. */
export function timeAxis(from, to, zone, width) {
  const most = Math.max(3, Math.floor(width / TICK_WIDTH));
  const ticks = to - from > MONTHS_S ? monthTicks(from, to, zone, most) : clockTicks(from, to, zone, most);
  return { from, to, ticks, grid: true };
}

function clockTicks(from, to, zone, most) {
  const every = TICK_MINUTES.find((each) => (to - from) / 60 / each <= most) ?? TICK_MINUTES.at(-1);
  if (every >= 1440) {
    const name = to - from > WEEKDAYS_S ? dayMonth : weekDay;
    return midnights(from, to, zone).filter(({ day }) => day % (every / 1440) === 0).map(({ at }) => ({ at, words: name(at, zone) }));
  }
  const step = Math.min(QUARTER_S, every * 60), ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const { hour, minute } = parts(at, zone);
    if ((hour * 60 + minute) % every === 0) ticks.push({ at, words: hour + minute === 0 ? `00:00\n${weekDay(at, zone)}` : minuteTime(at, zone) });
  }
  return ticks;
}

function monthTicks(from, to, zone, most) {
  const firsts = midnights(from, to, zone).map(({ at, day }) => ({ at, date: new Date(day * DAY_S * 1000) })).filter(({ date }) => date.getUTCDate() === 1);
  const every = TICK_MONTHS.find((each) => firsts.length / each <= most) ?? TICK_MONTHS.at(-1);
  return firsts.filter(({ date }) => date.getUTCMonth() % every === 0).map(({ at, date }) => ({
    at, words: date.getUTCMonth() === 0 ? `${monthName(at, zone)}\n${date.getUTCFullYear()}` : monthName(at, zone),
  }));
}

/** The local midnights, each with its days since 1970: found by leaps, since a day has 23 to 25 hours. */
function midnights(from, to, zone) {
  const found = [];
  for (let at = Math.ceil(from / QUARTER_S) * QUARTER_S; at <= to;) {
    const { hour, minute, day } = parts(at, zone), past = hour * HOUR_S + minute * 60;
    if (past === 0) found.push({ at, day });
    at += Math.max(QUARTER_S, DAY_S - past - HOUR_S);
  }
  return found;
}

/** When a point is: as precisely as its step allows. */
export function when(at, step, zone) {
  if (step >= DAY_S) return dayMonth(at, zone);
  return step >= HOUR_S ? dayTime(at, zone) : dayMinute(at, zone);
}

/** An axis with `names.length` positions, one bar each; those in `ticks` are labelled. */
export function barAxis(names, ticks) {
  return { from: -0.6, to: names.length - 0.4, ticks: ticks.map((i) => ({ at: i, words: names[i] })), grid: false };
}

/** The number of labels that fit. */
export function room(width) {
  return Math.max(2, Math.floor(width / TICK_WIDTH));
}

/** The places of points, with a gap wherever more than two steps are missing, so no line is drawn across it. `take`
 * brings values to these places; a point of many minutes stands in their middle. */
export function points(at, step) {
  const x = [], index = [], middle = step > 60 ? step / 2 : 0;
  at.forEach((time, i) => {
    if (i && time - at[i - 1] > 2 * step) { x.push(at[i - 1] + step + middle); index.push(-1); }
    x.push(time + middle);
    index.push(i);
  });
  return { x, take: taker(index) };
}

/** Hourly values as steps, each with its index: a value covers its hour, a missing hour is a gap (-1). */
export function hourSteps(hours) {
  const x = [], index = [];
  hours.forEach((hour, i) => {
    if (i && hour - hours[i - 1] > HOUR_S) { x.push(hours[i - 1] + HOUR_S); index.push(-1); }
    x.push(hour, hour + HOUR_S - 1);
    index.push(i, i);
  });
  return { x, take: taker(index) };
}

function taker(index) {
  return (values, missing = null) => index.map((i) => (i < 0 ? missing : values[i]));
}

export function flagLook(severity) {
  return { LEAK: "bad", FAULT: "fault", PLANNED: "planned" }[severity] ?? "warn";
}
