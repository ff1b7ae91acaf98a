// The chart library writes a style sheet for its maps into the page as it loads. The page draws no maps and its policy
// allows no inline styles: leave that one out, instead of a refusal in the browser's console at each visit.
document.head.appendChild = (node) => (node.tagName === "STYLE" ? node : Node.prototype.appendChild.call(document.head, node));
