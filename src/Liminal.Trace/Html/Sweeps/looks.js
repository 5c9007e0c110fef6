// What events and the ends of stray loads look like: a word and a shape each, so that nothing hangs on colour alone.

/** How a stray load ends, from the best to the worst; the order is that of StrayLoadEnd. */
const Ends = {
  Completed: { look: "plain", words: "the load got the bytes that stand there" },
  Repaired: { look: "good", words: "the kernel's handler repaired the load" },
  RepairedWrongly: { look: "odd", words: "the load went on with a value that it should not have" },
  HostVisible: { look: "odd", words: "the load completed, and changed the page on the host side" },
  Oops: { look: "bad", words: "the kernel reported an oops" },
  Panic: { look: "bad", words: "the kernel panicked" },
  Terminated: { look: "bad", words: "the guest is gone" },
  Livelock: { look: "bad", words: "the same exception at the same instruction for ever" },
  Unknown: { look: "open", words: "no load was run, or none came to a clear end" },
};

function endOf(name) {
  return Ends[name] ?? { look: "open", words: "" };
}

function rankOf(name) {
  return Object.keys(Ends).indexOf(name);
}

function endBadge(name) {
  return h("span", { class: `end ${endOf(name).look}`, title: endOf(name).words }, name);
}

/** The sorts of events; shapes are drawn around 0,0. */
const Kinds = {
  Boundary: { word: "entry, call, return", look: "boundary", shape: "M-3.5 -4.5 4.5 0-3.5 4.5z" },
  PteStore: { word: "PTE store", look: "store", shape: "M-4 -4h8v8h-8z" },
  FlushRequest: { word: "flush request", look: "flush", shape: "M-4.5 -3.5h9L0 4.5z", isHollow: true },
  TlbFlush: { word: "TLB flush", look: "flush", shape: "M-4.5 -3.5h9L0 4.5z" },
  CacheFlush: { word: "cache flush", look: "flush", shape: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0", isHollow: true },
  GuestOperation: { word: "guest operation", look: "guest", shape: "M0 -5.2 5.2 0 0 5.2-5.2 0z", isHollow: true },
  HostCall: { word: "host call", look: "hosted", shape: "M0 -5.2 5.2 0 0 5.2-5.2 0z" },
  PageState: { word: "page state", look: "state-change", shape: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0" },
  Exception: { word: "exception", look: "exception", shape: "M-4 -4 4 4M4 -4-4 4", isStroke: true },
};

function kindOf(name) {
  return Kinds[name] ?? { word: name, look: "boundary", shape: "M-3 -3h6v6h-6z", isHollow: true };
}

function glyph(kind, x, y) {
  const { look, shape, isHollow, isStroke } = kindOf(kind);
  return s("path", { class: `glyph ${look}${isHollow ? " hollow" : ""}${isStroke ? " cross" : ""}`, d: shape, transform: `translate(${x} ${y})` });
}

/** The glyph in a line of text. */
function glyphIcon(kind) {
  return s("svg", { class: "glyph-icon", viewBox: "-6 -6 12 12", width: 12, height: 12, "aria-hidden": "true" }, glyph(kind, 0, 0));
}

function count(number) {
  return number.toLocaleString("en");
}

/** An instruction as it is named everywhere: counted from the entry of the conversion. */
function instruction(offset) {
  return `+${count(offset)}`;
}
