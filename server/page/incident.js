// The chart of an incident's first sign, drawn in the page.
import { ask } from "./page.js";
import { drawFinding } from "./panel-charts.js";
import { element } from "./text.js";
import { say, UNITS, zone } from "./words.js";

const place = document.getElementById("sign-charts");

async function drawn() {
  const sign = JSON.parse(place.dataset.sign);
  const asked = new URLSearchParams(["sensor", "channel", "method", "start", "end"].map((name) => [name, String(sign[name])]));
  const data = { ...(await ask(`api/finding?${asked}`)), severity: sign.severity };
  const words = data.channel === "flow" ? "Flow, {unit}" : "Pressure, {unit}";
  const figure = element("figure"), chart = element("div", "", { class: "chart" });
  figure.append(element("figcaption", say(words, { unit: UNITS[data.channel] })), chart);
  place.append(figure);
  drawFinding(chart, data, data.channel, zone);
}

try {
  await drawn();
} catch (error) {
  place.append(element("p", say("No answer: {problem}", { problem: error.message }), { class: "quiet" }));
}
