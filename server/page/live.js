// Keeps an open page as it is now: the server sends the parts that have changed.
import { become, parsed } from "./become.js";
import { age, clockTime, dayOf } from "./text.js";
import { say, zone } from "./words.js";

const STALE_AFTER_MS = 45000; // the server gives a sign of life every 24 s
const ASK_AGAIN_MS = 30000; // for a stream that was refused

let { now, speed } = Object.fromEntries(["now", "speed"].map((name) => [name, Number(document.body.dataset[name])]));
const { seenAt } = document.body.dataset; // of a page that was kept, because there is no network
let heardAt = seenAt ? Number(seenAt) : Date.now();
let heard = !seenAt;
let changed = () => {};

/** The site's time now, UTC s: the server's last word, continued at the site's speed. */
export function siteNow() {
  return now + ((Date.now() - heardAt) / 1000) * speed;
}

/** Follow the page's stream; `onChange` is called after each change. */
export function follow(onChange) {
  changed = onChange;
  if (!document.body.dataset.events) return;
  listen();
  tick();
  setInterval(tick, 1000);
}

function listen() {
  const stream = new EventSource(document.body.dataset.events);
  stream.onmessage = ({ data }) => {
    const page = JSON.parse(data);
    ({ now, speed } = page);
    heardAt = Date.now();
    heard = true;
    for (const [name, html] of Object.entries(page.parts)) put(name, html);
    tick();
    changed();
  };
  stream.addEventListener("again", () => {
    stream.close();
    location.reload();
  });
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, ASK_AGAIN_MS);
  };
}

function put(name, html) {
  const old = document.querySelector(`[data-live="${name}"]`);
  if (old) become(old, parsed(old, html));
}

/** What counts on by itself: the clock, and how old each thing is. */
function tick() {
  const silentMs = Date.now() - heardAt, stale = !heard || silentMs > STALE_AFTER_MS;
  document.body.classList.toggle("stale", stale);
  set(document.getElementById("clock"), clockTime(siteNow(), zone));
  set(document.getElementById("zone"), `${dayOf(siteNow(), zone)} · ${zone}${speed === 1 ? "" : ` · ${say("{speed} times as fast", { speed })}`}`);
  for (const node of document.querySelectorAll("[data-at]")) if (node.dataset.at) set(node, age(siteNow() - Number(node.dataset.at)));
  const hero = document.getElementById("hero"), note = document.getElementById("stale");
  const how = say("What is shown below is {age} old.", { age: age(silentMs / 1000) });
  note.hidden = !stale || Boolean(hero);
  if (!stale) return;
  if (!hero) return set(note, `${say("No answer from the server")}. ${how}`);
  hero.dataset.state = "bad";
  set(document.getElementById("hero-word"), say("No answer from the server"));
  set(document.getElementById("hero-detail"), how);
}

/** Change a text only if it is another: a reader's place in it is not lost. */
function set(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}
