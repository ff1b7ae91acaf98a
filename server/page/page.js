// The page's own work: it follows the server, draws the charts, and opens the panel.
import { drawNight, drawSeries } from "./charts.js";
import { keepWhatIsSeen } from "./installed.js";
import { follow } from "./live.js";
import { lastNight } from "./night-words.js";
import { openFinding, openNights } from "./panel.js";
import { dayTime } from "./text.js";
import { language, many, say, zone } from "./words.js";

const CHART_EVERY_MS = 5000; // a chart is drawn again at most this often, however fast rows come
const cards = new Map(); // sensor -> { node, visible, tried, drawn, drawnAt, busy }

export async function ask(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(15000), cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

/** What stands where a chart would be. */
export function noAnswer() {
  return say("No chart now: the server or its database does not answer.");
}

function note(words) {
  document.getElementById("footer").textContent = words;
}

function versionOf(sensor) {
  return document.querySelector(`[data-sensor="${CSS.escape(sensor)}"][data-version]`)?.dataset.version ?? "";
}

async function drawCard(sensor, card) {
  const version = versionOf(sensor);
  const due = card.drawn === null || (version !== card.drawn && Date.now() - card.drawnAt >= CHART_EVERY_MS);
  if (card.busy || !(card.visible ? due : !card.tried)) return;
  card.busy = card.tried = true;
  try {
    const data = await ask(`api/sensor?sensor=${encodeURIComponent(sensor)}&language=${language}&${card.node.dataset.query}`);
    const node = (name) => card.node.querySelector(`[data-chart="${name}"]`);
    drawSeries(node("flow"), data, "flow", zone);
    drawSeries(node("pressure"), data, "pressure", zone);
    drawNight(node("night"), data, zone);
    card.node.querySelector(".sensor-note").textContent = [forecastWords(data.forecast), windowWords(data.nights[0]), lastNight(data.night), say("Drag over a chart to zoom in.")].filter(Boolean).join(" ");
    card.drawn = version;
    card.drawnAt = Date.now();
  } finally {
    card.busy = false;
  }
}

function forecastWords({ made_at: made, model }) {
  if (!made) return say("No forecast yet.");
  return model ? say("Forecast made {time} by {model}.", { time: dayTime(made, zone), model }) : ""; // a year draws none
}

function windowWords(night) {
  if (!night.windows.length) return say("No mean of the night yet.");
  const incomplete = night.windows.filter((window) => !window.complete).length;
  return [
    say("Night from {time}: ten-minute means; grey line: the night before.", { time: dayTime(night.start, zone) }),
    ...(incomplete ? [many("{count} mean is incomplete (hatched).", "{count} means are incomplete (hatched).", incomplete)] : []),
  ].join(" ");
}

/** Draws those in view anew, and asks once for each of the others: they may be printed. */
async function drawAll() {
  let words = "";
  const inView = ([, card]) => card.visible, all = [...cards];
  for (const [sensor, card] of [...all.filter(inView), ...all.filter((each) => !inView(each))]) {
    try {
      await drawCard(sensor, card);
    } catch {
      words = noAnswer();
    }
  }
  note(words);
}

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) cards.get(target.dataset.charts).visible = isIntersecting;
  drawAll();
}, { rootMargin: "200px" });

for (const node of document.querySelectorAll("[data-charts]")) {
  cards.set(node.dataset.charts, { node, visible: false, tried: false, drawn: null, drawnAt: 0, busy: false });
  watcher.observe(node);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.dataset.nights) {
    inPanel(openNights(button.dataset.nights, zone, ask));
  } else if (button?.dataset.finding) {
    inPanel(openFinding(JSON.parse(button.dataset.finding), button.dataset, zone, ask));
  }
});

/** The panel shows its own fetch errors. */
async function inPanel(opened) {
  try {
    await opened;
  } catch {
    document.getElementById("panel-facts").textContent = noAnswer();
  }
}

/** Open the incident that the page's address names, and bring it into view. */
function showLinked() {
  const wanted = new URLSearchParams(location.hash.slice(1)).get("incident");
  const node = wanted && document.querySelector(`[data-incident="${CSS.escape(wanted)}"] details`);
  if (!node) return;
  node.open = true;
  node.scrollIntoView({ block: "center" });
}

showLinked();
follow(drawAll);
addEventListener("load", keepWhatIsSeen);
