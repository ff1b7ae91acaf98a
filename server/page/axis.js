// What all charts share: colours of the page, the layout, and the time axis in the site's zone.
import { minuteTime, parts, weekDay } from "./text.js";

export const HOUR_S = 3600;
export const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, showTips: false };
const QUARTER_S = 900; // zones lie whole quarters of an hour apart
const TICK_HOURS = [1, 2, 3, 6, 12, 24, 48, 96, 168, 336];
const TICK_WIDTH = 74; // pixels that a label needs

export function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

export function layout(colour, extra) {
  const axis = { fixedrange: true, zeroline: false, gridcolor: colour("grid"), linecolor: colour("line"), tickfont: { size: 13 } };
  return {
    margin: { l: 46, r: 10, t: 8, b: 38 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colour("figures"), color: colour("quiet"), size: 13 },
    showlegend: false,
    dragmode: false,
    hovermode: "closest",
    hoverdistance: 40,
    hoverlabel: { bgcolor: colour("card"), bordercolor: colour("line"), font: { family: colour("figures"), color: colour("text"), size: 14 }, align: "left" },
    ...extra,
    xaxis: { ...axis, ...extra.xaxis },
    yaxis: { ...axis, automargin: true, nticks: 6, ...extra.yaxis },
  };
}

/** Where a time stands on the axis: UTC, so that an hour is an hour wide also where the site's clock is changed. */
export function place(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

/** The axis from `start` to `end` (UTC s), its labels by the site's clock at each of their own times. */
export function timeAxis(start, end, zone, width) {
  const most = Math.max(3, Math.floor(width / TICK_WIDTH));
  const hours = TICK_HOURS.find((each) => (end - start) / HOUR_S / each <= most) ?? TICK_HOURS.at(-1);
  const tickvals = [], ticktext = [];
  for (let at = Math.ceil(start / QUARTER_S) * QUARTER_S; at <= end; at += QUARTER_S) {
    const { hour, minute, day } = parts(at, zone);
    if (minute !== 0 || hour % Math.min(hours, 24) !== 0 || (hours > 24 && day % (hours / 24) !== 0)) continue;
    tickvals.push(place(at));
    if (hours >= 24) ticktext.push(weekDay(at, zone));
    else ticktext.push(hour === 0 ? `00:00<br>${weekDay(at, zone)}` : minuteTime(at, zone));
  }
  return { type: "date", range: [place(start), place(end)], tickmode: "array", tickvals, ticktext, tickangle: 0 };
}

/** Points with a gap wherever more than two steps are missing, so that no line is drawn across nothing. */
export function withGaps(at, values, words, step) {
  const x = [], y = [], text = [];
  at.forEach((time, i) => {
    if (i && time - at[i - 1] > 2 * step) { x.push(place(at[i - 1] + step)); y.push(null); text.push(""); }
    x.push(place(time));
    y.push(values[i]);
    text.push(words[i]);
  });
  return { x, y, text };
}

export function flagColour(severity) {
  return { LEAK: "bad", FAULT: "fault", PLANNED: "planned" }[severity] ?? "warn";
}
