// What a night says of leakage, in sentences.
import { count, dayTime, figure, minuteTime, shortDate } from "./text.js";
import { say } from "./words.js";

/** A night's figure: one number where the night use is set, else a range that says that it is an estimate. */
export function nightFigure(night, name, show = figure) {
  if (night.definition < 2 && night.night_use_by === "share") return say("– (reported by an earlier definition)");
  const low = night[`${name}_low`], high = night[`${name}_high`];
  return typeof low === "number" ? say("{low}–{high} (estimate)", { low: show(low), high: show(high) }) : show(night[name]);
}

/** The last reported night in one sentence; `nightWords` has the steps. */
export function lastNight(night) {
  if (typeof night?.hour_flow !== "number") return "";
  const values = { flow: figure(night.hour_flow), leakage: nightFigure(night, "leak_flow"), day: nightFigure(night, "leak_day", count) };
  return typeof (night.leak_day ?? night.leak_day_low) === "number"
    ? say("Last night's quietest hour: {flow} m³/h, of it leakage {leakage} m³/h, {day} m³ a day.", values)
    : say("Last night's quietest hour: {flow} m³/h, of it leakage {leakage} m³/h.", values);
}

function nightUse(night) {
  if (night.night_use_by === "fixed") return say("as set for this sensor");
  if (night.night_use_by === "users") return say("{users} users × {litres} L/h", { users: count(night.night_users), litres: String(night.night_litres) });
  return say("10 to 30 % of the quietest of the last 24 nights, since nobody has counted the users: hydrolog night set");
}

function leftOut({ faulty_minutes: faulty, planned_minutes: planned }) {
  return faulty || planned ? say("Minutes left out: {faulty} faulty, {planned} of planned work.", { faulty: count(faulty), planned: count(planned) }) : "";
}

function atReference(night) {
  if ((night.leak_flow_reference ?? night.leak_flow_reference_low) === null) return "";
  const values = { pressure: figure(night.reference_pressure), n1: String(night.n1), leakage: nightFigure(night, "leak_flow_reference") };
  return night.reference_by === "fixed"
    ? say("At {pressure} bar (as set), by pressure to the power N1 = {n1}: {leakage} m³/h. Nights are compared by this.", values)
    : say("At {pressure} bar (median of 24 nights), by pressure to the power N1 = {n1}: {leakage} m³/h. Nights are compared by this.", values);
}

function ofDay(night) {
  const hours = count(night.pressure_hours);
  if (night.day_factor === null) return say("No daily figure: only {hours} hours of the day had a pressure.", { hours });
  const values = { factor: figure(night.day_factor), hours, leakage: nightFigure(night, "leak_day", count) };
  return say("Times the night-day factor {factor} h, from the pressure of {hours} hours: {leakage} m³ a day.", values);
}

/** The computation of one night's leakage, step by step; an empty text for a step that there is not. */
export function nightWords(night, zone) {
  const date = shortDate(night.night);
  if (night.hour_flow === null) return [say("Night to {date}: too few accepted values for a quietest hour ({minutes} minutes).", { date, minutes: count(night.good_minutes) }), leftOut(night)];
  const quietest = { date, time: minuteTime(night.hour_start, zone), flow: figure(night.hour_flow), pressure: figure(night.hour_pressure) };
  const use = { use: nightFigure(night, "night_use"), by: nightUse(night), leakage: nightFigure(night, "leak_flow") };
  const bound = { time: dayTime(night.leak_bound_start, zone), most: figure(night.leak_bound) };
  return [
    night.hour_pressure === null
      ? say("Night to {date}: the quietest hour began at {time} with {flow} m³/h.", quietest)
      : say("Night to {date}: the quietest hour began at {time} with {flow} m³/h at {pressure} bar.", quietest),
    say("Less night use {use} m³/h ({by}): leakage {leakage} m³/h.", use),
    typeof night.leak_bound === "number" && night.leak_bound < night.hour_flow ? say("The hour from {time} allows at most {most} m³/h.", bound) : "",
    atReference(night),
    ofDay(night),
    night.uarl_day === null ? "" : say("Unavoidable losses (UARL) of that day: {losses} m³.", { losses: figure(night.uarl_day) }),
    night.percentile_flow === null ? "" : say("20th percentile of the last seven days ({nights} nights): {flow} m³/h.", { nights: count(night.percentile_nights), flow: figure(night.percentile_flow) }),
    leftOut(night),
  ];
}
