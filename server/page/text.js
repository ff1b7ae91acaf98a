// Numbers, times and ages as people read them; elements built from text only, never from HTML.

/** An element with text and attributes; `text` is never interpreted as HTML. */
export function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function figure(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : 2);
}

/** A night's figure: one number where the night use is set, else a range that says that it is an estimate. */
export function nightFigure(night, name, show = figure) {
  if (night.definition < 2 && night.night_use_by === "share") return "– (reported by an earlier definition)";
  const low = night[`${name}_low`], high = night[`${name}_high`];
  return typeof low === "number" ? `${show(low)}–${show(high)} (estimate)` : show(night[name]);
}

export function count(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en");
}

export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} days`;
}

const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options }));
  return formats.get(key);
}

export function clockTime(seconds, zone) {
  return format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(seconds * 1000);
}

export function dayTime(seconds, zone) {
  return format(zone, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(seconds * 1000);
}

/** "Mon 09:56": a time within the week. */
export function dayMinute(seconds, zone) {
  return `${format(zone, { weekday: "short" }).format(seconds * 1000)} ${minuteTime(seconds, zone)}`;
}

/** "Mon 26": a day on an axis. */
export function weekDay(seconds, zone) {
  return format(zone, { weekday: "short", day: "numeric" }).format(seconds * 1000).replace(",", "");
}

/** "26 Aug": a night, from its date YYYY-MM-DD. */
export function shortDate(text) {
  return format("UTC", { day: "numeric", month: "short" }).format(Date.parse(`${text}T00:00:00Z`));
}

/** Local time: hour, minute, and days since 1970. */
export function parts(seconds, zone) {
  const found = {};
  const numbers = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" };
  for (const { type, value } of format(zone, numbers).formatToParts(seconds * 1000)) found[type] = Number(value);
  return { hour: found.hour, minute: found.minute, day: Date.UTC(found.year, found.month - 1, found.day) / 86400000 };
}

export function dayOf(seconds, zone) {
  return format(zone, { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(seconds * 1000);
}

export function minuteTime(seconds, zone) {
  return format(zone, { hour: "2-digit", minute: "2-digit" }).format(seconds * 1000);
}
