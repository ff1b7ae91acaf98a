// The scripts' words in the reader's language, and the units: both come with the page. A unit has its `name`, its `size`
// (m3/h or bar in one of it) and its `digits` (decimals at most).
const known = JSON.parse(document.getElementById("words").textContent);
const { zone, units } = document.body.dataset;

export { zone };
export const UNITS = JSON.parse(units);
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
