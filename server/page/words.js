// The scripts' words in the reader's language, and the units: both come with the page.
const known = JSON.parse(document.getElementById("words").textContent);
const { zone, flowUnit, pressureUnit } = document.body.dataset;

export { zone };
export const UNITS = { flow: flowUnit, pressure: pressureUnit };
export const language = document.documentElement.lang;

/** A sentence by its English, with its values. */
export function say(english, values = {}) {
  return filled(known[english]?.[0] ?? english, values);
}

/** A sentence about `count` things; the placeholder is {count}. */
export function many(one, more, count) {
  const forms = known[one] ?? [one, more];
  return filled(count === 1 ? forms[0] : forms.at(-1), { count: count.toLocaleString(language) });
}

function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
