// The scripts' words in the reader's language, and the units: both come with the page.
const known = JSON.parse(document.getElementById("words").textContent);
const { zone, flowUnit, pressureUnit } = document.body.dataset;

export { zone };
export const UNITS = { flow: flowUnit, pressure: pressureUnit };

/** A sentence by its English, with its values. */
export function say(english, values = {}) {
  return (known[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
