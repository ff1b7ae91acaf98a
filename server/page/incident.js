// The chart of an incident's first sign, drawn in the page.
import { ask, noAnswer } from "./page.js";
import { drawFinding } from "./panel-charts.js";
import { channelName, chartIn, findingKey } from "./panel.js";
import { element } from "./text.js";
import { zone } from "./words.js";

const place = document.getElementById("sign-charts");

async function drawn() {
  const sign = JSON.parse(place.dataset.sign);
  const asked = new URLSearchParams(["sensor", "channel", "method", "start", "end"].map((name) => [name, String(sign[name])]));
  const data = { ...(await ask(`api/finding?${asked}`)), severity: sign.severity };
  drawFinding(chartIn(place, channelName(data.channel), findingKey(data, data.channel)), data, data.channel, zone);
}

try {
  await drawn();
} catch {
  place.append(element("p", noAnswer(), { class: "quiet" }));
}
