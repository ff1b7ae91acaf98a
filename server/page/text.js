// Numbers, times and spans as the reader writes them; elements built from text only, never from HTML.
import { language, many, say, UNITS } from "./words.js";

const ABSENT = "–";

/** An element with text and attributes; `text` is never interpreted as HTML. */
export function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** A number with four digits or fewer, and at most so many decimals. */
export function number(value, most = 2) {
  if (value === null || value === undefined) return ABSENT;
  const size = Math.abs(value), digits = Math.min(most, size >= 1000 ? 0 : size >= 100 ? 1 : 2);
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A flow of m3/h or a pressure of bar in the reader's unit, which stands elsewhere. */
export function figure(value, channel) {
  const { size, digits } = UNITS[channel];
  return number(typeof value === "number" ? value / size : value, digits);
}

/** The same with its unit. */
export function measured(value, channel) {
  return withUnit(figure(value, channel), UNITS[channel].name);
}

/** A number that stays on one line with its unit. */
export function withUnit(text, unit) {
  return joined(`${text} ${unit}`);
}

function joined(text) {
  return text.replaceAll(" ", "\u00a0");
}

export function count(value) {
  return value === null || value === undefined ? ABSENT : Math.round(value).toLocaleString(language);
}

/** How long ago, as the server says it. */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return ABSENT;
  return seconds < 60 ? say("under a minute") : span(seconds / 60);
}

function span(minutes) {
  const whole = Math.floor(minutes), days = Math.floor(whole / 1440), hours = Math.floor(whole / 60);
  const minute = (n) => joined(many("{count} minute", "{count} minutes", n));
  const hour = (n) => joined(many("{count} hour", "{count} hours", n));
  if (hours < 1) return minute(whole);
  if (hours < 48) return whole % 60 && hours < 10 ? `${hour(hours)} ${minute(whole % 60)}` : hour(hours);
  const day = joined(many("{count} day", "{count} days", days));
  return hours % 24 && days < 7 ? `${day} ${hour(hours % 24)}` : day;
}

const formats = new Map();
const LOCALE = language === "ko" ? "ko-KR" : "en-GB"; // British: the day before the month

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(LOCALE, { timeZone: zone, hourCycle: "h23", ...options }));
  return formats.get(key);
}

export function clockTime(seconds, zone) {
  return format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(seconds * 1000);
}

/** "26 Aug", "8월 26일". */
export function dayMonth(seconds, zone) {
  return format(zone, { day: "numeric", month: "short" }).format(seconds * 1000).replace("Sept", "Sep"); // as the server writes it
}

/** "Aug", "8월". */
export function monthName(seconds, zone) {
  return format(zone, { month: "short" }).format(seconds * 1000).replace("Sept", "Sep");
}

/** "26 Aug 09:56", "8월 26일 09:56". */
export function dayTime(seconds, zone) {
  return `${dayMonth(seconds, zone)} ${minuteTime(seconds, zone)}`;
}

/** "Mon 09:56": a time within the week. */
export function dayMinute(seconds, zone) {
  return `${format(zone, { weekday: "short" }).format(seconds * 1000)} ${minuteTime(seconds, zone)}`;
}

/** "Mon 26", "26일 (월)": a day on an axis. */
export function weekDay(seconds, zone) {
  return format(zone, { weekday: "short", day: "numeric" }).format(seconds * 1000).replace(",", "");
}

/** "26 Aug": a night, from its date YYYY-MM-DD. */
export function shortDate(text) {
  return dayMonth(Date.parse(`${text}T00:00:00Z`) / 1000, "UTC");
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
