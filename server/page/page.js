// Fetches the state every few seconds and shows it; draws the charts of the visible sensors.
import { showCalendar, showDelivery, showProcesses, showUnregistered } from "./cards.js";
import { drawNight, drawSeries } from "./charts.js";
import { showIncidents } from "./incidents.js";
import { openFinding, openNights } from "./panel.js";
import { age, clockTime, dayOf, dayTime, element, figure, minuteTime, nightFigure } from "./text.js";

const ASK_EVERY_MS = 3000;
const CHART_EVERY_MS = 5000; // a chart is drawn again at most this often, however fast rows come
const INCIDENTS_EVERY_MS = 9000; // their sentences say hours and minutes
const STALE_AFTER_MS = 12000;
const SPANS = [[6, "6 h"], [24, "24 h"], [72, "3 days"], [168, "7 days"]];

const byId = (id) => document.getElementById(id);
const cards = new Map(); // sensor -> { node, visible, drawn, drawnAt, busy }
let state = null;
let receivedAt = 0;
let hours = SPANS.map(([span]) => span).find((span) => location.hash === `#${span}h`) ?? 24;
let incidentsAt = -Infinity;
const language = new URLSearchParams(location.search).get("language") ?? ""; // else the browser's

/** The site's time now: the server's last time, continued at the site's speed. */
function siteNow() {
  return state.now + ((Date.now() - receivedAt) / 1000) * state.speed;
}

async function ask(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(15000), cache: "no-store" });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? `the server answered ${answer.status}`);
  return content;
}

const LOOKS = { good: "ok", watch: "warn", fault: "warn", silent: "bad", trouble: "bad", leak: "bad" }; // by the verdict
const capital = (words) => words[0].toUpperCase() + words.slice(1);

function showHero() {
  const silentMs = Date.now() - receivedAt;
  const stale = silentMs > STALE_AFTER_MS;
  document.body.classList.toggle("stale", stale);
  const { kind, said, problems: [first, ...others] } = state.verdict;
  const hero = byId("hero");
  if (stale) {
    hero.dataset.state = "bad";
    byId("hero-word").textContent = "No answer from hydrolog-server";
    byId("hero-detail").textContent = `What is shown below is ${age(silentMs / 1000)} old.`;
  } else {
    hero.dataset.state = LOOKS[kind];
    byId("hero-word").textContent = capital(first ? `${first.where}: ${first.word}` : said);
    const more = others.length ? `and ${others.length} more to look at below` : "";
    byId("hero-detail").textContent = first ? [first.detail, first.todo, more].filter(Boolean).join("; ") : `${state.sensors.length === 1 ? "One sensor" : `${state.sensors.length} sensors`}, rows fresh, every process at work`;
  }
  const newest = state.newest.at;
  byId("hero-age").textContent = newest === null ? "–" : age(siteNow() - newest - 60);
  byId("hero-age-words").textContent = newest === null ? "no row yet" : `since the newest row, ${minuteTime(newest, state.zone)}`;
}

function showClock() {
  byId("clock").textContent = clockTime(siteNow(), state.zone);
  byId("zone").textContent = `${dayOf(siteNow(), state.zone)} · ${state.zone}${state.speed === 1 ? "" : ` · ${state.speed} times as fast`}`;
  for (const sensor of state.sensors) {
    const card = cards.get(sensor.sensor);
    card.node.querySelector("[data-age]").textContent = sensor.newest === null ? "–" : age(siteNow() - sensor.newest - 60);
  }
}

function cardOf(sensor) {
  if (!cards.has(sensor.sensor)) {
    const node = byId("sensor-template").content.firstElementChild.cloneNode(true);
    node.dataset.sensor = sensor.sensor;
    node.querySelector("[data-nights]").addEventListener("click", () => inPanel(openNights(sensor.sensor, state.zone, ask)));
    cards.set(sensor.sensor, { node, visible: false, drawn: "", drawnAt: 0, busy: false });
    watcher.observe(node);
  }
  return cards.get(sensor.sensor);
}

function showSensors() {
  const list = byId("sensors");
  const nodes = state.sensors.map((sensor) => {
    const { node } = cardOf(sensor);
    node.dataset.state = sensor.state;
    node.querySelector("h2").textContent = sensor.name ? `${sensor.sensor} · ${sensor.name}` : sensor.sensor;
    const badge = node.querySelector(".badge");
    badge.textContent = sensor.word;
    badge.dataset.state = sensor.state;
    node.querySelector(".sensor-name p").textContent = sensor.detail ?? "";
    const clock = node.querySelector("[data-clock]");
    clock.textContent = sensor.clock;
    clock.hidden = !sensor.clock;
    node.querySelector("[data-flow]").textContent = figure(sensor.flow);
    node.querySelector("[data-pressure]").textContent = figure(sensor.pressure);
    return node;
  });
  const same = nodes.length === list.children.length && nodes.every((node, i) => node === list.children[i]);
  if (!same) list.replaceChildren(...nodes);
  byId("no-sensors").hidden = nodes.length > 0 || Boolean(state.database);
}

async function askIncidents() {
  if (Date.now() - incidentsAt < INCIDENTS_EVERY_MS) return;
  const answer = await ask(`/api/incidents?language=${encodeURIComponent(language)}`);
  incidentsAt = Date.now();
  showIncidents(answer, (chart, incident) => inPanel(openFinding(chart, incident, state.zone, ask)));
}

/** The panel shows its own fetch errors. */
async function inPanel(opened) {
  try {
    await opened;
  } catch (error) {
    byId("panel-facts").replaceChildren(element("li", `No answer: ${error.message}`));
  }
}

async function drawCard(sensor) {
  const card = cards.get(sensor.sensor);
  const wanted = `${hours} ${sensor.version}`;
  const due = wanted !== card.drawn && (card.drawn.split(" ")[0] !== String(hours) || Date.now() - card.drawnAt >= CHART_EVERY_MS);
  if (!card.visible || card.busy || !due) return;
  card.busy = true;
  try {
    const data = await ask(`/api/sensor?sensor=${encodeURIComponent(sensor.sensor)}&hours=${hours}`);
    const node = (name) => card.node.querySelector(`[data-chart="${name}"]`);
    drawSeries(node("flow"), data, "flow", state.zone);
    drawSeries(node("pressure"), data, "pressure", state.zone);
    drawNight(node("night"), data, state.zone);
    const made = data.forecast.made_at;
    card.node.querySelector(".sensor-note").textContent = `${made ? `Forecast made ${dayTime(made, state.zone)} by ${data.forecast.model}.` : "No forecast yet."} ${nightWords(data.nights[0])} ${lastNight(data.night)}`;
    card.drawn = wanted;
    card.drawnAt = Date.now();
  } finally {
    card.busy = false;
  }
}

function nightWords(night) {
  const incomplete = night.windows.filter((window) => !window.complete).length;
  if (!night.windows.length) return "No mean of the night yet.";
  return `Night from ${dayTime(night.start, state.zone)}: ten-minute means${incomplete ? `, ${incomplete} of them incomplete (hatched)` : ""}; grey line: the night before.`;
}

/** The last reported night in one sentence; the panel has the steps. */
function lastNight(night) {
  if (typeof night?.hour_flow !== "number") return "";
  const daily = typeof (night.leak_day ?? night.leak_day_low) === "number" ? `, ${nightFigure(night, "leak_day", Math.round)} m³ a day` : "";
  return `Last night's quietest hour: ${figure(night.hour_flow)} m³/h, of it leakage ${nightFigure(night, "leak_flow")} m³/h${daily}.`;
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) cards.get(entry.target.dataset.sensor).visible = entry.isIntersecting;
  draw();
}, { rootMargin: "200px" });

/** Do what is due; errors are shown at the bottom of the page and tried again next time. */
async function draw() {
  if (!state) return;
  const charts = state.database ? [] : state.sensors.map((sensor) => () => drawCard(sensor));
  let said = "Read-only. The same in a terminal: hydrolog status";
  for (const work of [askIncidents, ...charts]) {
    try {
      await work();
    } catch (error) {
      said = `Charts wait: ${error.message}`;
    }
  }
  byId("footer").textContent = said;
}

async function refresh() {
  try {
    state = await ask("/api/state");
    receivedAt = Date.now();
    byId("site").textContent = state.site;
    document.title = `${state.site} · hydrolog`;
    byId("version").textContent = `hydrolog ${state.version}`;
    showProcesses(state);
    showSensors();
    showUnregistered(state);
    showCalendar(state, siteNow());
    showDelivery(state);
  } catch (error) {
    byId("footer").textContent = `No answer: ${error.message}`;
  }
  if (state) {
    showHero();
    showClock();
    await draw();
  }
}

function showSpans() {
  byId("spans").replaceChildren(...SPANS.map(([span, words]) => {
    const button = element("button", words, { type: "button", "aria-pressed": String(span === hours) });
    button.addEventListener("click", () => {
      hours = span;
      history.replaceState(null, "", `#${span}h`);
      showSpans();
      draw();
    });
    return button;
  }));
}

async function repeat() {
  if (!document.hidden) await refresh();
  setTimeout(repeat, ASK_EVERY_MS);
}

showSpans();
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
setInterval(() => { if (state) { showHero(); showClock(); } }, 1000);
repeat();
