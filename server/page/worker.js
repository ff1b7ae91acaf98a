// Keeps what was last seen of the overview and of sensors, and gives it to the page while there is no network.
// It ends with the session: whoever logs in next on this phone sees nothing of it.
const WHERE = new URL(self.registration.scope).pathname;
const SEEN = `hydrolog seen ${WHERE}`; // boxes behind one proxy share a store
const KEPT = new Set(["", "sensor", "api/sensor"]), STATIC = "static/";
const MOST = 60; // pages and charts; the oldest go first
const AT = "x-seen-at"; // when it was seen by this phone's clock, UTC ms

let session = 0; // counts on when one ends: what was asked for before is not kept after it

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event, place = placeOf(request.url);
  if (request.method === "POST" && (place === "login" || place === "logout")) event.waitUntil(forget());
  else if (request.method === "GET" && isKept(place)) event.respondWith(newest(request));
});

/** A page tells what it has shown before there was this worker. */
self.addEventListener("message", (event) => {
  event.waitUntil(Promise.all(event.data.filter((url) => isKept(placeOf(url))).map((url) => newest(new Request(url)))));
});

function placeOf(address) {
  const url = new URL(address);
  return url.origin === self.location.origin && url.pathname.startsWith(WHERE) ? url.pathname.slice(WHERE.length) : undefined;
}

function isKept(place) {
  return KEPT.has(place) || Boolean(place?.startsWith(STATIC));
}

/** From the network; what was last seen if there is none. */
async function newest(request) {
  const asked = session;
  try {
    const answer = await fetch(request);
    if (answer.type === "opaqueredirect" || answer.redirected || answer.status === 401) await forget(); // to the login
    else if (answer.ok) await keep(request, answer.clone(), asked);
    return answer;
  } catch {
    return (await seen(request)) ?? Response.error();
  }
}

async function keep(request, answer, asked) {
  const store = await caches.open(SEEN), headers = new Headers(answer.headers);
  if (asked !== session) return; // a store that is forgotten from here on takes nothing in
  headers.set(AT, String(Date.now()));
  for (const name of ["content-encoding", "content-length", "vary"]) headers.delete(name); // the body is unpacked
  await store.put(request.url, new Response(await answer.blob(), { headers }));
  const others = (await store.keys()).filter(({ url }) => !placeOf(url).startsWith(STATIC));
  for (const old of others.slice(0, -MOST)) await store.delete(old);
}

/** What was last seen; a page says when that was. */
async function seen(request) {
  const found = await (await caches.open(SEEN)).match(request.url);
  if (request.mode !== "navigate" || !found) return found;
  const whole = await found.text();
  return new Response(whole.replace("<body ", `<body data-seen-at="${found.headers.get(AT)}" `), { headers: found.headers });
}

async function forget() {
  session += 1;
  await caches.delete(SEEN);
}
