// What a night says of leakage, in sentences.
import { count, dayTime, figure, measured, minuteTime, number, shortDate, withUnit } from "./text.js";
import { say } from "./words.js";

const volume = (value, show = count) => withUnit(show(value), "m³");

/** A flow of a night: one number where the night use is set, else a range that says that it is an estimate. */
export function nightFlow(night, name) {
  return nightFigure(night, name, (value) => figure(value, "flow"), (value) => measured(value, "flow"));
}

/** The same of any figure: `first` shows the low end of a range, `last` the high one or the only number. */
function nightFigure(night, name, first, last) {
  if (night.definition < 2 && night.night_use_by === "share") return say("– (reported by an earlier definition)");
  const low = night[`${name}_low`], high = night[`${name}_high`];
  return typeof low === "number" ? say("{low}–{high} (estimate)", { low: first(low), high: last(high) }) : last(night[name]);
}

/** The last reported night in one sentence; `nightWords` has the steps. */
export function lastNight(night) {
  if (typeof night?.hour_flow !== "number") return "";
  const values = { flow: measured(night.hour_flow, "flow"), leakage: nightFlow(night, "leak_flow"), day: nightFigure(night, "leak_day", count, volume) };
  return typeof (night.leak_day ?? night.leak_day_low) === "number"
    ? say("Last night's quietest hour: {flow}, of it leakage {leakage}, {day} a day.", values)
    : say("Last night's quietest hour: {flow}, of it leakage {leakage}.", values);
}

function nightUse(night) {
  if (night.night_use_by === "fixed") return say("as set for this sensor");
  if (night.night_use_by === "users") return say("{users} users × {litres}", { users: count(night.night_users), litres: withUnit(String(night.night_litres), "L/h") });
  return say("10 to 30 % of the quietest of the last 24 nights, since nobody has counted the users: hydrolog night set");
}

function leftOut({ faulty_minutes: faulty, planned_minutes: planned }) {
  return faulty || planned ? say("Minutes left out: {faulty} faulty, {planned} of planned work.", { faulty: count(faulty), planned: count(planned) }) : "";
}

function atReference(night) {
  if ((night.leak_flow_reference ?? night.leak_flow_reference_low) === null) return "";
  const values = { pressure: measured(night.reference_pressure, "pressure"), n1: String(night.n1), leakage: nightFlow(night, "leak_flow_reference") };
  return night.reference_by === "fixed"
    ? say("At {pressure} (as set), by pressure to the power N1 = {n1}: {leakage}. Nights are compared by this.", values)
    : say("At {pressure} (median of 24 nights), by pressure to the power N1 = {n1}: {leakage}. Nights are compared by this.", values);
}

function ofDay(night) {
  const hours = count(night.pressure_hours);
  if (night.day_factor === null) return say("No daily figure: only {hours} hours of the day had a pressure.", { hours });
  const values = { factor: withUnit(number(night.day_factor), say("h")), hours, leakage: nightFigure(night, "leak_day", count, volume) };
  return say("Times the night-day factor {factor}, from the pressure of {hours} hours: {leakage} a day.", values);
}

/** The computation of one night's leakage, step by step; an empty text for a step that there is not. */
export function nightWords(night, zone) {
  const date = shortDate(night.night);
  if (night.hour_flow === null) return [say("Night to {date}: too few accepted values for a quietest hour ({minutes} minutes).", { date, minutes: count(night.good_minutes) }), leftOut(night)];
  const quietest = { date, time: minuteTime(night.hour_start, zone), flow: measured(night.hour_flow, "flow"), pressure: measured(night.hour_pressure, "pressure") };
  const use = { use: nightFlow(night, "night_use"), by: nightUse(night), leakage: nightFlow(night, "leak_flow") };
  const bound = { time: dayTime(night.leak_bound_start, zone), most: measured(night.leak_bound, "flow") };
  return [
    night.hour_pressure === null
      ? say("Night to {date}: the quietest hour began at {time} with {flow}.", quietest)
      : say("Night to {date}: the quietest hour began at {time} with {flow} at {pressure}.", quietest),
    say("Less night use {use} ({by}): leakage {leakage}.", use),
    typeof night.leak_bound === "number" && night.leak_bound < night.hour_flow ? say("The hour from {time} allows at most {most}.", bound) : "",
    atReference(night),
    ofDay(night),
    night.uarl_day === null ? "" : say("Unavoidable losses (UARL) of that day: {losses}.", { losses: volume(night.uarl_day, number) }),
    night.percentile_flow === null ? "" : say("20th percentile of the last seven days ({nights} nights): {flow}.", { nights: count(night.percentile_nights), flow: measured(night.percentile_flow, "flow") }),
    leftOut(night),
  ];
}
