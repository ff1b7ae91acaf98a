// The scripts' words in the reader's language, and the units of choice: both come with the page.
const known = JSON.parse(document.getElementById("words").textContent);
const { zone, flowUnit, flowFactor, pressureUnit, pressureFactor } = document.body.dataset;

export { zone };
export const language = document.documentElement.lang;
export const UNITS = {
  flow: { name: flowUnit, factor: Number(flowFactor) },
  pressure: { name: pressureUnit, factor: Number(pressureFactor) },
};

/** A sentence by its English, with its values. */
export function say(english, values = {}) {
  return (known[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
