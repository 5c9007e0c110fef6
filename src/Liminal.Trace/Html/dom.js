"use strict";
// Makes elements. Text is only ever set as text: nothing of a report is parsed as markup.

const SvgNamespace = "http://www.w3.org/2000/svg";

/** An element. Attributes: onX adds a listener, false and null are left out, true is an empty attribute. */
function h(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
function s(tag, attributes, ...children) {
  return build(document.createElementNS(SvgNamespace, tag), attributes, children);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

/** Puts these children in the place of those that an element has. */
function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
}

function nodes(children) {
  return children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false);
}

/** What each verdict looks like: a word and a shape, so that nothing hangs on colour alone. */
const Verdicts = {
  holds: { word: "holds", many: "hold", shape: "M2.2 6.4 5 9.2 9.8 3" },
  depends: { word: "depends", many: "depend", shape: "M6 1.4a4.6 4.6 0 1 0 0 9.2a4.6 4.6 0 1 0 0-9.2M6 1.4v9.2", fill: "M6 1.4a4.6 4.6 0 0 0 0 9.2z" },
  violated: { word: "violated", many: "violated", shape: "M2.6 2.6 9.4 9.4M9.4 2.6 2.6 9.4" },
  inconclusive: { word: "inconclusive", many: "inconclusive", shape: "M3.8 4.1a2.3 2.3 0 1 1 3.3 2.1C6.3 6.6 6 7 6 7.9M6 9.9v.2" },
  notApplicable: { word: "not applicable", many: "not applicable", shape: "M3.2 6h5.6" },
  notExplored: { word: "not explored", many: "not explored", shape: "M6 5.9v.2" },
};

function icon(verdict) {
  const { shape, fill } = Verdicts[verdict];
  return s("svg", { class: `icon ${verdict}`, viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" },
    fill && s("path", { d: fill, class: "solid" }), s("path", { d: shape }));
}

function plural(count, one, many) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many ?? one + "s"}`;
}

/** The items in groups of equal key, in the order in which the keys first occur. */
function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return [...groups.values()];
}
