// The panel over the page: explains an incident, or shows the nights, with charts and text.
import { flagLook } from "./axis.js";
import { drawFinding, drawNights } from "./panel-charts.js";
import { dayTime, element, figure, minuteTime, nightFigure, shortDate } from "./text.js";

const NAMES = { flow: "Flow, m³/h", pressure: "Pressure, bar" };
let turn = 0; // a slow answer must not draw into a panel that shows something else by then
const byId = (id) => document.getElementById(id);

/** Open the panel for one sign of an incident. `ask` fetches JSON. */
export async function openFinding(spell, incident, zone, ask) {
  show(incident.title, incident.what, spell.severity);
  const asked = new URLSearchParams(["sensor", "channel", "method", "start", "end"].map((name) => [name, String(spell[name])]));
  const mine = ++turn;
  const data = { ...(await ask(`api/finding?${asked}`)), severity: spell.severity };
  if (mine !== turn) return;
  if (data.nights.length) drawNights(chart("Quietest hour of each night, m³/h", nightKey()), data.nights, zone, markedNight(data));
  const other = data.channel === "flow" ? "pressure" : "flow";
  for (const channel of [data.channel, other]) drawFinding(chart(NAMES[channel], findingKey(data, channel)), data, channel, zone);
  facts(findingWords(data, spell, zone));
}

/** Open the panel for a sensor's nights. */
export async function openNights(sensor, zone, ask) {
  show(`Sensor ${sensor} · nights`, "", "");
  const mine = ++turn;
  const { nights } = await ask(`api/nights?sensor=${encodeURIComponent(sensor)}`);
  if (mine !== turn) return;
  if (!nights.length) {
    facts(["No night yet: a night is reported after its last window."]);
    return;
  }
  drawNights(chart("Quietest hour of each night, m³/h", nightKey()), nights, zone);
  facts(nightWords(nights.at(-1), zone));
}

function show(title, reason, severity) {
  byId("panel-title").textContent = title;
  byId("panel-reason").textContent = reason;
  byId("panel").dataset.state = severity ? flagLook(severity) : "";
  byId("panel-charts").replaceChildren();
  byId("panel-facts").replaceChildren(element("li", "Loading"));
  if (!byId("panel").open) byId("panel").showModal();
}

function chart(title, key) {
  const figureNode = element("figure"), caption = element("figcaption", title), node = element("div", "", { class: "chart" });
  caption.append(...key.map(([kind, words]) => {
    const part = element("small", "", { class: "key" });
    part.append(element("i", "", { class: kind }), words);
    return part;
  }));
  figureNode.append(caption, node);
  byId("panel-charts").append(figureNode);
  return node;
}

function facts(lines) {
  byId("panel-facts").replaceChildren(...lines.filter(Boolean).map((line) => element("li", line)));
}

function findingKey(data, channel) {
  const key = [["line", "measured"]];
  if (data.usual.at.length) key.push(["usual", "usual"]);
  if (data.forecast.hour.length) key.push(["forecast", "forecast, 90 % band"]);
  if (data.finding?.limit_kind && channel === data.channel) key.push(["limit", "limit"]);
  if (data.works.length) key.push(["work", "planned work"]);
  return key;
}

function nightKey() {
  return [["leakage", "leakage"], ["use", "night use"], ["percentile", "20th percentile of 7 nights"], ["usual", "median of 24 nights"]];
}

/** The night that a NIGHT finding was raised after: the last one shown at that time. */
function markedNight(data) {
  const raised = data.finding?.raised ?? data.start;
  return data.nights.filter((night) => night.hour_start !== null && night.hour_start <= raised).at(-1)?.night ?? "";
}

function findingWords(data, spell, zone) {
  const { finding } = data;
  const works = data.works.map((work) => `Planned work: ${work.what}, ${dayTime(work.first, zone)} to ${dayTime(work.end, zone)}.`);
  if (!finding) return [`Flagged from ${dayTime(spell.start, zone)} to ${dayTime(spell.end, zone)}.`, "Its limit is no longer kept.", ...works];
  return [
    `Began about ${dayTime(finding.since, zone)}, raised ${dayTime(finding.raised, zone)} (vertical line).`,
    finding.cleared ? `Over ${dayTime(finding.cleared, zone)}: ${finding.over}.` : "Still up.",
    data.usual.version ? `Usual: criteria version ${data.usual.version} for the day of week and time of day, at the level of the week before.` : "No criteria yet: only the limits of the instrument are judged.",
    ...works,
  ];
}

const USE_WORDS = {
  fixed: () => "as set for this sensor",
  users: (night) => `${night.night_users} users × ${night.night_litres} L/h`,
  share: () => "10 to 30 % of the quietest of the last 24 nights, since nobody has counted the users: hydrolog night set",
};

/** The computation of one night's leakage, step by step. */
export function nightWords(night, zone) {
  const name = `Night to ${shortDate(night.night)}`;
  const left = [[night.faulty_minutes, "faulty"], [night.planned_minutes, "of planned work"]].filter(([count]) => count).map(([count, what]) => `${count} ${what}`);
  const without = left.length ? `${left.join(", ")} minutes were left out.` : "";
  if (night.hour_flow === null) return [`${name}: too few accepted values for a quietest hour (${night.good_minutes} minutes).`, without];
  const pressure = night.hour_pressure === null ? "" : ` at ${figure(night.hour_pressure)} bar`;
  const reference = night.reference_by === "fixed" ? "as set" : "median of 24 nights";
  return [
    `${name}: the quietest hour began at ${minuteTime(night.hour_start, zone)} with ${figure(night.hour_flow)} m³/h${pressure}.`,
    `Less night use ${nightFigure(night, "night_use")} m³/h (${USE_WORDS[night.night_use_by]?.(night) ?? night.night_use_by}): leakage ${nightFigure(night, "leak_flow")} m³/h.`,
    typeof night.leak_bound === "number" && night.leak_bound < night.hour_flow ? `The hour from ${dayTime(night.leak_bound_start, zone)} allows at most ${figure(night.leak_bound)} m³/h.` : "",
    (night.leak_flow_reference ?? night.leak_flow_reference_low) === null ? "" : `At ${figure(night.reference_pressure)} bar (${reference}), by pressure to the power N1 = ${night.n1}: ${nightFigure(night, "leak_flow_reference")} m³/h. Nights are compared by this.`,
    night.day_factor === null
      ? `No daily figure: only ${night.pressure_hours} hours of the day had a pressure.`
      : `Times the night-day factor ${figure(night.day_factor)} h, from the pressure of ${night.pressure_hours} hours: ${nightFigure(night, "leak_day", Math.round)} m³ a day.`,
    night.uarl_day === null ? "" : `Unavoidable losses (UARL) of that day: ${figure(night.uarl_day)} m³.`,
    night.percentile_flow === null ? "" : `20th percentile of the last seven days (${night.percentile_nights} nights): ${figure(night.percentile_flow)} m³/h.`,
    without,
  ];
}

byId("panel-close").addEventListener("click", () => byId("panel").close());
byId("panel").addEventListener("click", (event) => { if (event.target === byId("panel")) byId("panel").close(); });
