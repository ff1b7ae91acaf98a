// Makes a part of the page like a newer one; what stays keeps its focus, its place and whether it is open.

/** Make `old` like `fresh`. An element with `data-keep` is left as the scripts have made it. */
export function become(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return undefined;
  }
  if ("keep" in old.dataset && "keep" in fresh.dataset) return undefined;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  children(old, [...fresh.childNodes]);
  return undefined;
}

function children(old, wanted) {
  const keyed = new Map([...old.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  wanted.forEach((fresh, i) => {
    const kept = fresh.dataset?.key ? keyed.get(fresh.dataset.key) : unkeyed(old.childNodes[i]);
    if (!kept) return old.insertBefore(fresh, old.childNodes[i] ?? null);
    if (kept !== old.childNodes[i]) old.insertBefore(kept, old.childNodes[i] ?? null); // one that stays is not moved: that takes the focus
    return become(kept, fresh);
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

function unkeyed(node) {
  return node?.dataset?.key ? undefined : node;
}

/** The HTML of a part as an element of the kind of `old`. The server has escaped every value in it. */
export function parsed(old, html) {
  const fresh = old.cloneNode(false), whole = new DOMParser().parseFromString(html, "text/html");
  fresh.append(...whole.body.childNodes);
  return fresh;
}
