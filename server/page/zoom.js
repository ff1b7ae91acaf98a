// Drag over a chart, with a mouse or a finger: the page shows the dragged span. It has an address like any other, so the
// browser's way back leads back, and a link leads out.
import { mark, timeAt } from "./draw.js";

const LEAST_PX = 12; // a shorter drag is a tap
const LEAST_S = 600;

/** Let readers zoom into a chart of time of a sensor. */
export function zoomable(node, sensor) {
  if (node.classList.contains("zooms")) return;
  node.classList.add("zooms"); // the browser leaves sideways drags to us
  let start = null; // where the drag began, pixels of the window
  const dragged = (x) => [Math.min(start, x), Math.max(start, x)].map((each) => timeAt(node, each));
  const end = () => { start = null; mark(node, null); };
  node.addEventListener("pointerdown", ({ isPrimary, button, clientX, pointerId }) => {
    if (!isPrimary || button !== 0) return;
    start = clientX;
    node.setPointerCapture(pointerId); // it may end beside the chart
  });
  node.addEventListener("pointermove", ({ clientX }) => {
    if (start !== null) mark(node, Math.abs(clientX - start) < LEAST_PX ? null : dragged(clientX));
  });
  node.addEventListener("pointerup", ({ clientX }) => {
    const span = start !== null && Math.abs(clientX - start) >= LEAST_PX ? dragged(clientX) : null;
    end();
    if (span) show(node, sensor, span);
  });
  node.addEventListener("pointercancel", end); // the browser scrolls
  node.addEventListener("keydown", ({ key }) => { if (key === "Escape") end(); });
}

function show(node, sensor, [from, until]) {
  const missing = Math.max(0, LEAST_S - (until - from)) / 2;
  const [first, last] = [from - missing, until + missing].map((seconds) => `${new Date(Math.round(seconds / 60) * 60000).toISOString().slice(0, 16)}Z`);
  const address = new URLSearchParams(node.closest("[data-query]")?.dataset.query ?? { at: first });
  for (const [name, value] of [["id", sensor], ["from", first], ["until", last]]) address.set(name, value);
  location.assign(`sensor?${address}#spans`);
}
