// Draws a chart as SVG: backgrounds, areas, lines, bars and marks with two axes, and a tooltip. The styles are classes
// in charts.css, so switching between light and dark needs no redrawing.

const LEFT = 46, RIGHT = 10, TOP = 8, BOTTOM = 38; // pixels around the plot, for the labels; more at the left for long ones
const DIGIT = 8; // pixels of a label's character
const TICKS = 6; // steps of the vertical axis at most
const NEAR = 40; // pixels from the pointer within which a point tells its words
const BAR = 0.82; // of the place of a bar
const STRIP = 0.02; // of the plot's height
const ROOF = 7; // pixels along the top
const LEAPS = { ArrowRight: 1, ArrowLeft: -1, PageDown: 30, PageUp: -30, Home: -Infinity, End: Infinity }; // points
const SIGNS = { bad: "M0-6 6 0 0 6-6 0Z", fault: "M-4.5-4.5h9v9h-9Z", planned: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z", warn: "M0-6 6 5H-6Z" };

const charts = new WeakMap(); // node -> what is drawn in it
let telling = null; // the node that shows words now

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (!target.isConnected) resized.unobserve(target);
    else if (sizeOf(target) !== charts.get(target).size) paint(target);
  }
});

document.addEventListener("pointerdown", ({ target }) => {
  if (telling && !telling.contains(target)) point(telling, null);
});

/**
 * Draw into `node` the chart that `make(width)` describes, now and whenever the node's size changes:
 * `x`: `from`, `to` and `ticks` of the horizontal axis; `unit`: the values in one of what the vertical one is labelled
 * in; `fromZero`: it starts at 0; `layers`, the lowest first, each a `kind` (of KINDS below) with its positions (`from`,
 * `to` or `x`), values, `look` and `words`.
 */
export function draw(node, make) {
  if (!charts.has(node)) open(node);
  charts.get(node).make = make;
  paint(node);
}

/** The place on the horizontal axis, UTC s, below a pixel of the window; its end for one beside the plot. */
export function timeAt(node, clientX) {
  const { axis, place } = charts.get(node);
  const share = (clientX - node.getBoundingClientRect().left - place.left) / place.width;
  return axis.from + Math.max(0, Math.min(1, share)) * (axis.to - axis.from);
}

/** Mark the span of the horizontal axis that somebody drags over; none for null. */
export function mark(node, span) {
  const { drawing, place } = charts.get(node);
  drawing.querySelector(".chosen")?.remove();
  if (!span) return;
  const [left, right] = span.map((at) => place.left + place.x(at));
  drawing.append(block(left, TOP, right, TOP + place.height, "chosen"));
}

function open(node) {
  const tip = document.createElement("div"), spoken = document.createElement("p"), drawing = shape("svg", { "aria-hidden": "true" });
  tip.className = "tip";
  tip.hidden = true;
  tip.ariaHidden = "true";
  spoken.className = "spoken";
  spoken.role = "status";
  node.replaceChildren(drawing, tip, spoken);
  node.tabIndex = 0;
  charts.set(node, { drawing, tip, spoken, pointer: null, targets: [] });
  node.addEventListener("keydown", (event) => walk(node, event));
  for (const kind of ["pointermove", "pointerdown"]) {
    node.addEventListener(kind, ({ clientX, clientY }) => {
      const box = node.getBoundingClientRect();
      point(node, [clientX - box.left, clientY - box.top]);
    });
  }
  node.addEventListener("pointercancel", () => point(node, null)); // the finger scrolls
  node.addEventListener("pointerleave", ({ pointerType }) => { if (pointerType === "mouse") point(node, null); }); // a finger is lifted to read
  resized.observe(node);
}

function point(node, pointer) {
  charts.get(node).pointer = pointer;
  tell(node);
}

/** Arrow keys move over the points, and say them; Escape leaves. */
function walk(node, event) {
  const { targets: all, pointer, spoken, tip } = charts.get(node), leap = LEAPS[event.key];
  const middles = all.filter(({ walked }) => walked).map(({ left, right, top, foot }) => [(left + right) / 2, (top + foot) / 2]);
  if (event.key === "Escape" && pointer) point(node, null);
  else if (leap && middles.length && !event.ctrlKey && !event.altKey && !event.metaKey) {
    const apart = middles.map(([x]) => Math.abs(x - pointer?.[0]));
    const here = pointer ? apart.indexOf(Math.min(...apart)) : leap > 0 ? -1 : middles.length;
    point(node, middles[Math.max(0, Math.min(middles.length - 1, here + leap))]);
    spoken.textContent = tip.textContent;
  } else return;
  event.preventDefault();
}

function sizeOf(node) {
  return `${node.clientWidth} ${node.clientHeight}`;
}

function paint(node) {
  const chart = charts.get(node);
  chart.size = sizeOf(node);
  const { x, unit, fromZero, layers } = chart.make(node.clientWidth);
  const { low, high, rungs } = span(layers.flatMap(valuesOf), unit, fromZero);
  const left = Math.max(LEFT, 12 + DIGIT * Math.max(...rungs.map(({ words }) => words.length)));
  const width = node.clientWidth - left - RIGHT, height = node.clientHeight - TOP - BOTTOM;
  if (width <= 0 || height <= 0) return;
  const place = {
    left, width, height,
    x: (at) => ((at - x.from) / (x.to - x.from)) * width,
    y: (value) => height - ((value - low) / (high - low)) * height,
  };
  Object.assign(chart, { axis: x, place });
  const plot = shape("svg", { x: left, y: TOP, width, height }); // cuts off what lies beyond the axes
  plot.append(grid(x, rungs, place), ...layers.flatMap((layer) => KINDS[layer.kind](layer, place)));
  chart.drawing.setAttribute("viewBox", `0 0 ${node.clientWidth} ${node.clientHeight}`); // paper has another width
  chart.drawing.replaceChildren(...labels(x, rungs, place), plot);
  for (const label of chart.drawing.querySelectorAll(".place")) keepWithin(label, node.clientWidth);
  chart.targets = layers.flatMap((layer) => targets(layer, place));
  tell(node);
}

function shape(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

const exact = (pixels) => Math.round(pixels * 10) / 10;

/** Each kind of layer as SVG elements. */
const KINDS = {
  ground: ({ from, to, look }, place) => [block(place.x(from), 0, place.x(to), place.height, `ground ${look}`)],
  roof: ({ from, to, look }, place) => [block(place.x(from), 0, Math.max(place.x(to), place.x(from) + 3), ROOF, `strip ${look}`)],
  strip: ({ from, to, look }, place) => [block(place.x(from), place.height * (1 - STRIP), Math.max(place.x(to), place.x(from) + 2), place.height, `strip ${look}`)],
  upright: ({ at, look }, place) => [shape("path", { d: `M${exact(place.x(at))} 0V${place.height}`, class: `line ${look}` })],
  line: ({ x, y, look }, place) => [shape("path", { d: stretches(x, [y]).map((at) => trace(at, x, y, place)).join(""), class: `line ${look}` })],
  area: ({ x, low, high, look }, place) => stretches(x, [low, high]).map((at) => {
    const back = trace([...at].reverse(), x, low, place).replace("M", "L");
    return shape("path", { d: `${trace(at, x, high, place)}${back}Z`, class: `area ${look}` });
  }),
  bars: ({ x, y, base, look }, place) => x.flatMap((at, i) => {
    if (y[i] === null) return [];
    const foot = base?.[i] ?? 0, kind = look(i);
    const bar = block(place.x(at - BAR / 2), place.y(foot + y[i]), place.x(at + BAR / 2), place.y(foot), `column ${kind}`);
    if (kind === "hatched") bar.setAttribute("fill", "url(#hatch)");
    return [bar];
  }),
  marks: ({ x, y, look }, place) => x.map((at, i) => shape("path", {
    d: SIGNS[look], transform: `translate(${exact(place.x(at))} ${exact(place.y(y[i]))})`, class: `mark ${look}`,
  })),
};

function block(left, top, right, foot, look) {
  const box = { x: left, y: Math.min(top, foot), width: Math.max(0, right - left), height: Math.abs(foot - top) };
  return shape("rect", { ...Object.fromEntries(Object.entries(box).map(([key, value]) => [key, exact(value)])), class: look });
}

/** Ranges of indices at which every list has a value, so nothing is drawn across a gap. */
function stretches(x, lists) {
  const found = [];
  let open = null;
  x.forEach((_, i) => {
    if (lists.some((list) => list[i] === null)) open = null;
    else if (open) open.push(i);
    else found.push((open = [i]));
  });
  return found;
}

/** A line through the values at the indices; a single value is a dot. */
function trace(indices, x, y, place) {
  const points = indices.map((i) => `${exact(place.x(x[i]))} ${exact(place.y(y[i]))}`);
  return `M${points.join("L")}${points.length === 1 ? "h0" : ""}`;
}

function valuesOf({ y, base, low, high }) {
  return [...(y ?? []).map((value, i) => (value === null ? null : value + (base?.[i] ?? 0))), ...(low ?? []), ...(high ?? [])];
}

/** The vertical axis: slightly larger than the values' range, ticks at steps of 1, 2 or 5 of `unit`; none without values. */
function span(values, unit, fromZero) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return { low: 0, high: 1, rungs: [] };
  let low = known.reduce((least, value) => Math.min(least, value), fromZero ? 0 : Infinity);
  let high = known.reduce((most, value) => Math.max(most, value), fromZero ? 0 : -Infinity);
  const spare = high > low ? (high - low) * 0.06 : 1;
  high += spare;
  if (!fromZero || low < 0) low -= spare;
  const least = (high - low) / unit / TICKS, power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].find((each) => each * power >= least * 0.999) * power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), rungs = [];
  for (let n = Math.ceil(low / unit / step); n * step * unit <= high; n += 1) rungs.push({ at: n * step * unit, words: (n * step).toFixed(decimals) });
  return { low, high, rungs };
}

function grid(x, rungs, place) {
  const across = rungs.map(({ at }) => `M0 ${exact(place.y(at))}H${place.width}`);
  const up = x.grid ? x.ticks.map(({ at }) => `M${exact(place.x(at))} 0V${place.height}`) : [];
  return shape("path", { d: [...across, ...up].join(""), class: "grid" });
}

function labels(x, rungs, place) {
  const left = rungs.map(({ at, words }) => shape("text", { x: place.left - 8, y: exact(TOP + place.y(at) + 4.5), class: "value" }, words));
  const below = x.ticks.flatMap(({ at, words }) => words.split("\n").map((word, i) => shape("text", { x: exact(place.left + place.x(at)), y: TOP + place.height + 17 + 16 * i, class: "place" }, word)));
  return [...left, ...below];
}

/** A label at the end of the axis would be cut off: it stands as far to the left as it needs. */
function keepWithin(label, width) {
  const middle = Number(label.getAttribute("x")), beyond = middle + label.getComputedTextLength() / 2 - width;
  if (beyond > 0) label.setAttribute("x", exact(middle - beyond));
}

/** The areas in which a layer shows its tooltip: a strip at the top, a bar over the full height, others at their points. */
function targets({ kind, x, y, from, to, words, walked }, place) {
  if (!words) return [];
  if (kind === "roof") {
    const left = Math.max(0, place.x(from)), right = Math.min(place.width, place.x(to));
    return left <= right ? [{ left: place.left + left, right: place.left + right, top: TOP, foot: TOP + ROOF, words }] : [];
  }
  return x.flatMap((at, i) => {
    const bar = kind === "bars", half = bar ? 0.5 : 0;
    if (!words[i] || (y[i] === null && !bar) || place.x(at) < 0 || place.x(at) > place.width) return [];
    const [top, foot] = bar ? [0, place.height] : [place.y(y[i]), place.y(y[i])];
    return [{ left: place.left + place.x(at - half), right: place.left + place.x(at + half), top: TOP + top, foot: TOP + foot, words: words[i], walked }];
  });
}

/** Show the tooltip of the element nearest to the pointer. */
function tell(node) {
  const { tip, drawing, pointer, targets: all } = charts.get(node);
  const [x, y] = pointer ?? [NaN, NaN];
  const beyond = (low, value, high) => Math.max(low - value, value - high, 0);
  let nearest = null, least = NEAR;
  for (const target of all) {
    const apart = Math.hypot(beyond(target.left, x, target.right), beyond(target.top, y, target.foot));
    if (apart <= least) { nearest = target; least = apart; }
  }
  tip.hidden = nearest === null;
  drawing.querySelector(".cursor")?.remove();
  if (!nearest) return;
  const [cx, cy] = [(nearest.left + nearest.right) / 2, (nearest.top + nearest.foot) / 2].map(exact);
  if (nearest.left === nearest.right) drawing.append(shape("circle", { cx, cy, r: 5, class: "cursor" }));
  if (telling && telling !== node) point(telling, null);
  telling = node;
  tip.textContent = nearest.words;
  const { offsetWidth: width, offsetHeight: height } = tip, { clientWidth, clientHeight } = node;
  const within = (value, most) => Math.max(0, Math.min(value, most));
  const left = [nearest.right + 12, nearest.left - 12 - width].find((each) => each >= 0 && each + width <= clientWidth);
  const above = Math.min(y, nearest.top) - 16 - height; // where neither side has room for it
  tip.style.left = `${left ?? within(nearest.left - width / 2, clientWidth - width)}px`;
  tip.style.top = `${left === undefined ? above : within(y - height / 2, clientHeight - height)}px`;
}
