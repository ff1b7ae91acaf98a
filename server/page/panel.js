// The panel over the page: explains an incident, or shows the nights, with charts and text.
import { flagLook } from "./axis.js";
import { nightWords } from "./night-words.js";
import { drawFinding, drawNights } from "./panel-charts.js";
import { dayTime, element } from "./text.js";
import { say, UNITS } from "./words.js";

let turn = 0; // a slow answer must not draw into a panel that shows something else by then
const byId = (id) => document.getElementById(id);

/** Open the panel for one sign of an incident. `ask` fetches JSON. */
export async function openFinding(spell, incident, zone, ask) {
  show(incident.title, incident.what, spell.severity);
  const asked = new URLSearchParams(["sensor", "channel", "method", "start", "end"].map((name) => [name, String(spell[name])]));
  const mine = ++turn;
  const data = { ...(await ask(`api/finding?${asked}`)), severity: spell.severity };
  if (mine !== turn) return;
  if (data.nights.length) drawNights(chart(say("Quietest hour of each night, {unit}", { unit: UNITS.flow.name }), nightKey()), data.nights, zone, markedNight(data));
  const other = data.channel === "flow" ? "pressure" : "flow";
  for (const channel of [data.channel, other]) drawFinding(chart(channelName(channel), findingKey(data, channel)), data, channel, zone);
  facts(findingWords(data, spell, zone));
}

/** Open the panel for a sensor's nights. */
export async function openNights(sensor, zone, ask) {
  show(say("{sensor}: nights", { sensor }), "", "");
  const mine = ++turn;
  const { nights } = await ask(`api/nights?sensor=${encodeURIComponent(sensor)}`);
  if (mine !== turn) return;
  if (!nights.length) {
    facts([say("No night yet: a night is reported after its last window.")]);
    return;
  }
  drawNights(chart(say("Quietest hour of each night, {unit}", { unit: UNITS.flow.name }), nightKey()), nights, zone);
  facts(nightWords(nights.at(-1), zone));
}

function show(title, reason, severity) {
  byId("panel-title").textContent = title;
  byId("panel-reason").textContent = reason;
  byId("panel").dataset.state = severity ? flagLook(severity) : "";
  byId("panel-charts").replaceChildren();
  byId("panel-facts").replaceChildren(element("li", say("loading")));
  if (!byId("panel").open) byId("panel").showModal();
}

/** The caption of a channel's chart. */
export function channelName(channel) {
  return channel === "flow" ? say("Flow, {unit}", { unit: UNITS.flow.name }) : say("Pressure, {unit}", { unit: UNITS.pressure.name });
}

function chart(title, key) {
  return chartIn(byId("panel-charts"), title, key);
}

/** A place for a chart, under its title and the key to its lines. */
export function chartIn(place, title, key) {
  const figureNode = element("figure"), caption = element("figcaption", title), node = element("div", "", { class: "chart", role: "group", "aria-label": title });
  caption.append(...key.map(([kind, words]) => {
    const part = element("small", "", { class: "key" });
    part.append(element("i", "", { class: kind }), words);
    return part;
  }));
  figureNode.append(caption, node);
  place.append(figureNode);
  return node;
}

function facts(lines) {
  byId("panel-facts").replaceChildren(...lines.filter(Boolean).map((line) => element("li", line)));
}

/** What the lines of a finding's chart are. */
export function findingKey(data, channel) {
  const key = [["line", say("measured")]];
  if (data.usual.at.length) key.push(["usual", say("usual")]);
  if (data.forecast.hour.length) key.push(["forecast", say("forecast, 90 % band")]);
  if (data.finding?.limit_kind && channel === data.channel) key.push(["limit", say("limit")]);
  if (data.works.length) key.push(["work", say("planned work")]);
  return key;
}

function nightKey() {
  return [["leakage", say("leakage")], ["use", say("night use")], ["percentile", say("20th percentile of 7 nights")], ["usual", say("median of 24 nights")]];
}

/** The night that a NIGHT finding was raised after: the last one shown at that time. */
function markedNight(data) {
  const raised = data.finding?.raised ?? data.start;
  return data.nights.filter((night) => night.hour_start !== null && night.hour_start <= raised).at(-1)?.night ?? "";
}

function findingWords(data, spell, zone) {
  const { finding } = data;
  const works = data.works.map((work) => say("Planned work: {what}, {from} to {to}.", { what: work.what, from: dayTime(work.first, zone), to: dayTime(work.end, zone) }));
  if (!finding) return [say("Flagged from {from} to {to}.", { from: dayTime(spell.start, zone), to: dayTime(spell.end, zone) }), say("Its limit is no longer kept."), ...works];
  return [
    say("Began about {began}, raised {raised} (vertical line).", { began: dayTime(finding.since, zone), raised: dayTime(finding.raised, zone) }),
    finding.cleared ? say("Over {time}.", { time: dayTime(finding.cleared, zone) }) : say("Still up."),
    data.usual.version
      ? say("Usual: criteria version {version} for the day of week and time of day, at the level of the week before.", { version: String(data.usual.version) })
      : say("No criteria yet: only the limits of the instrument are judged."),
    ...works,
  ];
}

byId("panel-close").addEventListener("click", () => byId("panel").close());
byId("panel").addEventListener("click", (event) => { if (event.target === byId("panel")) byId("panel").close(); });
