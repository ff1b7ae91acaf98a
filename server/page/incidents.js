// The incidents: one line each, which opens to its reasons and to what to do next. The sentences come from the server.
import { flagLook } from "./axis.js";
import { element } from "./text.js";

const SHOWN = 8; // those that are up, or the newest; the others wait behind a button
const WORDS = {
  en: { title: "Incidents", why: "Why", todo: "What to do", chart: "Chart", none: "No incident.", all: (count) => `Show all ${count}`, fewer: "Show only the newest" },
  ko: { title: "경보", why: "근거", todo: "조치", chart: "그래프", none: "경보가 없습니다.", all: (count) => `전체 ${count}건 보기`, fewer: "최근 경보만 보기" },
};
const byId = (id) => document.getElementById(id);
const lines = new Map(); // id -> { node, known, incident }: kept, so that an open one stays open and the focus stays where it is
let all = false;
let wanted = new URLSearchParams(location.hash.slice(1)).get("incident"); // the link in a message: it opens once

/** Show them; `open` is called with a chart that was asked for and its incident. */
export function showIncidents(answer, open) {
  const { incidents, language } = answer, words = WORDS[language] ?? WORDS.en;
  const up = incidents.filter((incident) => incident.ended === null).length;
  all ||= incidents.some((incident) => incident.id === wanted);
  const shown = all ? incidents : incidents.slice(0, Math.max(SHOWN, up));
  byId("incidents-card").lang = language;
  say(byId("incidents-title"), words.title);
  say(byId("incidents-problem"), answer.problem);
  byId("incidents-problem").hidden = !answer.problem;
  say(byId("no-incidents"), words.none);
  byId("no-incidents").hidden = incidents.length > 0 || Boolean(answer.problem);
  const button = byId("all-incidents");
  button.hidden = incidents.length <= Math.max(SHOWN, up);
  say(button, all ? words.fewer : words.all(incidents.length));
  button.onclick = () => { all = !all; showIncidents(answer, open); };
  put(byId("incidents"), shown.map((incident) => line(incident, words, open)));
  follow();
  for (const id of lines.keys()) if (!incidents.some((incident) => incident.id === id)) lines.delete(id);
}

/** Open the incident that the page's address names, and bring it into view. */
function follow() {
  if (!lines.has(wanted)) return;
  const { node } = lines.get(wanted);
  node.querySelector("details").open = true;
  node.scrollIntoView({ block: "center" });
  wanted = null;
}

/** Make these the list's items. One that stays is not moved: that would take the focus from it. */
function put(list, nodes) {
  for (const node of [...list.children]) if (!nodes.includes(node)) node.remove();
  nodes.forEach((node, i) => { if (list.children[i] !== node) list.insertBefore(node, list.children[i] ?? null); });
}

/** Change a text only if it is another: a reader's place in it is not lost. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function line(incident, words, open) {
  if (!lines.has(incident.id)) lines.set(incident.id, { node: emptyLine(), known: "", incident });
  const kept = lines.get(incident.id), { node } = kept, part = (name) => node.querySelector(`[data-part="${name}"]`);
  kept.incident = incident;
  node.dataset.incident = incident.id;
  node.dataset.state = incident.ended === null ? flagLook(incident.severity) : "over";
  for (const name of ["title", "what", "life"]) say(part(name), incident[name]);
  say(part("why-title"), words.why);
  say(part("todo-title"), words.todo);
  const known = JSON.stringify([incident.why, incident.todo, words.chart]);
  if (kept.known !== known) {
    kept.known = known;
    part("why").replaceChildren(...incident.why.map((reason, i) => reasonItem(reason, words, () => open(kept.incident.charts[i], kept.incident))));
    part("todo").replaceChildren(...incident.todo.map((act) => element("li", act)));
    part("todo-title").hidden = incident.todo.length === 0;
  }
  return node;
}

function emptyLine() {
  const node = element("li", "", { class: "incident" }), details = element("details"), summary = element("summary");
  const part = (tag, name) => element(tag, "", { "data-part": name });
  summary.append(part("b", "title"), part("span", "what"), part("small", "life"));
  details.append(summary, part("h3", "todo-title"), part("ol", "todo"), part("h3", "why-title"), part("ul", "why"));
  node.append(details);
  return node;
}

/** A reason, and the chart of its sign: there is one for each. */
function reasonItem(reason, words, show) {
  const item = element("li", reason), button = element("button", words.chart, { type: "button", class: "small" });
  button.setAttribute("aria-label", `${words.chart}: ${reason}`);
  button.addEventListener("click", show);
  item.append(" ", button);
  return item;
}
