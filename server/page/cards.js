// The text parts of the page: processes, unregistered sensors, calendar, delivery.
import { age, count, dayTime, element } from "./text.js";

const DOES = {
  producer: "reads the line",
  "consumer-archive": "stores the rows",
  "consumer-server": "sends the batches",
  "consumer-alerts": "tells people",
  nightflow: "averages the night",
  forecaster: "forecasts each hour",
  server: "receives, shows this page",
};
const byId = (id) => document.getElementById(id);

function counters(process) {
  return Object.entries(process.counters).map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join("\n");
}

export function showProcesses(state) {
  byId("processes").replaceChildren(...state.processes.map((process) => {
    const item = element("li", "", { class: "process", "data-state": process.state, title: counters(process) });
    item.append(element("b", process.word), element("span", process.role), element("p", process.detail || DOES[process.role] || ""));
    return item;
  }));
}

export function showUnregistered(state) {
  byId("unregistered").hidden = state.unregistered.length === 0;
  byId("unregistered-rows").replaceChildren(...state.unregistered.map((entry) => {
    const row = element("tr");
    const command = element("td");
    command.append(element("code", `hydrolog sensors add ${entry.sensor}`));
    row.append(element("td", entry.sensor), element("td", dayTime(entry.first, state.zone)), element("td", dayTime(entry.newest, state.zone)), command);
    return row;
  }));
}

/** Planned work of these days, and the calendar lines that cannot be read. */
export function showCalendar(state, now) {
  const { works, problems } = state.calendar;
  byId("calendar").hidden = works.length + problems.length === 0;
  byId("works").closest("table").hidden = works.length === 0;
  byId("works").replaceChildren(...works.map((work) => {
    const row = element("tr");
    const when = work.end <= now ? "over" : work.first <= now ? "now" : "to come";
    row.append(
      element("td", `${dayTime(work.first, state.zone)} to ${dayTime(work.end, state.zone)}`),
      element("td", work.sensor === "all" ? "all sensors" : work.sensor), element("td", work.what, { class: "why" }), element("td", when),
    );
    return row;
  }));
  byId("calendar-problems").replaceChildren(...problems.map((problem) => element("li", problem)));
}

export function showDelivery(state) {
  const received = state.received;
  const figures = [
    ["rows received once", count(received?.rows)],
    ["rows that came again", count(received?.repeated)],
    ["batches", count(received?.batches)],
    ["last new batch", typeof received?.last_s === "number" ? `${age(received.last_s)} ago` : "–"],
    ...state.groups.map(({ group, lag }) => [`rows waiting for group ${group}`, count(lag)]),
  ];
  byId("delivery").replaceChildren(...figures.map(([name, value]) => {
    const box = element("div");
    box.append(element("dt", name), element("dd", value));
    return box;
  }));
}
