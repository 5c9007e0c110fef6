// The chart: instructions from left to right, a row per processor, host and page; events as marks, windows as bars.

const CellWidth = 13; // marks that would overlap share one cell of this width
const NarrowestBar = 4; // a window of one instruction is still seen and hit
const LetterWidth = 7.5; // of the name in a bar, with room: a bar that is shorter has none
const ChartAxis = 22;

class Chart {
  /** choose(what) is called with { event } or { window }: their indices. */
  constructor(group, events, choose) {
    this.group = group;
    this.events = events;
    this.choose = choose;
    this.hidden = new Set(); // kinds that the reader has switched off
    this.chosen = {};
    this.rows = new Rows(group, events);
    const points = [...events.map(event => event.at), ...group.windows.flatMap(window => [window.first, window.last + 1])];
    this.scale = new Scale(points, group.length + 1);
    this.labels = h("div", { class: "chart-labels" });
    this.canvas = h("div", { class: "chart-rows", onpointerdown: event => this.grab(event) });
    this.axis = h("div", { class: "chart-axis", "aria-hidden": "true" });
    this.scroller = h("div", { class: "chart-scroll", onscroll: () => this.drawRows() }, h("div", { class: "chart-body" }, this.labels, this.canvas));
    this.where = h("span", { class: "where", role: "status" });
    this.scaleButtons = ["events", "instructions"].map(kind => h("button", {
      type: "button", class: "chip", "data-scale": kind, "aria-pressed": String(kind === "events"),
      title: kind === "events" ? "every stretch between two events has room: short windows stay visible" : "every instruction has the same room",
      onclick: () => this.setScale(kind) }, kind));
    this.element = h("section", { class: "chart", "aria-label": "timeline of instructions" }, this.tools(), this.axis, this.scroller);
    this.scroller.addEventListener("wheel", event => this.wheel(event), { passive: false });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.scroller);
  }

  leave() {
    this.observer.disconnect();
  }

  tools() {
    const button = (text, label, act) => h("button", { type: "button", class: "plain", "aria-label": label, title: label, onclick: act }, text);
    return h("div", { class: "chart-tools" },
      h("div", { class: "chips", role: "group", "aria-label": "scale" }, h("span", { class: "soft" }, "room by"), this.scaleButtons),
      h("div", { class: "chips" }, button("+", "zoom in", () => this.zoom(2)), button("−", "zoom out", () => this.zoom(.5)), button("all", "show all", () => this.zoom(0))),
      this.where);
  }

  setScale(kind) {
    const middle = this.scale.at((this.scale.from + this.scale.to) / 2);
    const wasWhole = this.scale.isWhole;
    this.scale.kind = kind;
    for (const button of this.scaleButtons) button.setAttribute("aria-pressed", button.dataset.scale === kind);
    if (!wasWhole) this.scale.reveal(middle);
    this.draw();
  }

  zoom(factor, around) {
    if (factor === 0) this.scale.show(0, 1);
    else this.scale.zoom(factor, around ?? this.chosenPlace());
    this.draw();
  }

  /** Where the chosen thing is in the view, so that zooming keeps it there; the middle when it is not seen. */
  chosenPlace() {
    const at = this.chosen.event !== undefined ? this.events[this.chosen.event]?.at : this.group.windows[this.chosen.window]?.first;
    if (at === undefined) return .5;
    const x = (this.scale.x(at) - EdgeRoom) / this.scale.room;
    return x >= 0 && x <= 1 ? x : .5;
  }

  wheel(event) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const box = this.canvas.getBoundingClientRect();
      this.zoom(event.deltaY < 0 ? 1.25 : .8, (event.clientX - box.left - EdgeRoom) / this.scale.room);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) && !this.scale.isWhole) {
      event.preventDefault();
      this.scale.pan(event.deltaX / this.scale.room);
      this.draw();
    }
  }

  /** Drags the view; a press without a move is a click and goes to the mark below it. */
  grab(down) {
    if (down.button !== 0 || down.pointerType === "touch") return;
    let last = down.clientX;
    let moved = false;
    const move = event => {
      if (!moved && Math.abs(event.clientX - down.clientX) < 4) return;
      moved = true;
      this.scale.pan((last - event.clientX) / this.scale.room);
      last = event.clientX;
      this.draw();
    };
    const release = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", release);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", release);
  }

  resize() {
    const width = this.canvas.clientWidth;
    if (width > 0 && width !== this.scale.width) {
      this.scale.width = width;
      this.draw();
    }
  }

  /** Marks what is chosen, and moves there when it is out of sight. */
  show(chosen) {
    this.chosen = chosen;
    const window = this.group.windows[chosen.window];
    const event = this.events[chosen.event];
    if (event) this.scale.reveal(event.at);
    else if (window && this.scale.place(window.last) < this.scale.from || window && this.scale.place(window.first) > this.scale.to) this.scale.reveal(window.first);
    this.draw();
  }

  /** Zooms to a window and what is around it. */
  frame(window) {
    this.scale.frame(window.first, window.last + 1);
    this.draw();
  }

  draw() {
    this.drawn = this.rows.all();
    const height = this.drawn.at(-1) ? this.drawn.at(-1).top + this.drawn.at(-1).height : 0;
    this.canvas.style.height = `${height}px`;
    this.labels.style.height = `${height}px`;
    const { scale } = this;
    const share = (scale.to - scale.from) * 100;
    this.where.textContent = scale.isWhole
      ? `${count(this.group.length)} instructions`
      : `${instruction(Math.round(scale.at(scale.from)))} to ${instruction(Math.round(scale.at(scale.to)))}, ${share < .1 ? "<0.1" : share.toFixed(share < 10 ? 1 : 0)} % of the width`;
    this.drawAxis();
    this.drawRows();
  }

  drawAxis() {
    const { scale } = this;
    fill(this.axis, h("span", {}, "instruction"), s("svg", { width: scale.width, height: ChartAxis }, scale.ticks(96).map(at => {
      const x = scale.x(at);
      const anchor = x < 40 ? "start" : x > scale.width - 40 ? "end" : "middle";
      return [s("line", { class: "tick", x1: x, x2: x, y1: ChartAxis - 5, y2: ChartAxis }), s("text", { x, y: 13, "text-anchor": anchor }, instruction(at))];
    })));
  }

  /** The rows that can be seen; the others are drawn when they are scrolled to. */
  drawRows() {
    const top = this.scroller.scrollTop - 60;
    const bottom = this.scroller.scrollTop + this.scroller.clientHeight + 60;
    const seen = this.drawn.filter(row => row.top + row.height >= top && row.top <= bottom);
    fill(this.labels, seen.map(row => this.label(row)));
    fill(this.canvas, seen.map(row => this.row(row)));
  }

  label(row) {
    const label = h("div", { class: `row-label ${row.look}${row.isInner ? " inner" : ""}`, title: row.title }, row.fold === null || row.fold === undefined
      ? h("span", {}, row.title)
      : h("button", { type: "button", class: "unfold", "data-fold": row.fold, "aria-expanded": String(row.isOpen), title: `${row.title}: ${row.isOpen ? "fold" : "one row each"}`,
        onclick: () => { this.rows.toggle(row.fold); this.draw(); this.element.querySelector(`[data-fold="${row.fold}"]`)?.focus(); } },
      h("span", { "aria-hidden": "true" }, row.isOpen ? "▾" : "▸"), h("span", {}, row.title)));
    label.style.top = `${row.top}px`;
    label.style.height = `${row.height}px`;
    return label;
  }

  row(row) {
    const strip = s("svg", { class: `chart-row ${row.look}`, "data-row": row.key, width: "100%", height: row.height });
    strip.style.top = `${row.top}px`;
    const middle = row.windows.length > 0 ? row.height - PageMarks / 2 - 3 : 12;
    strip.append(...nodes([
      this.shade(row),
      s("line", { class: "rail", x1: 0, x2: "100%", y1: middle, y2: middle }),
      row.windows.map(({ index, track }) => this.bar(this.group.windows[index], 3 + track * TrackHeight)),
      this.marks(row, middle),
    ]));
    return strip;
  }

  /** The chosen window through every row, and the line of the chosen event. */
  shade(row) {
    const window = this.group.windows[this.chosen.window];
    const event = this.events[this.chosen.event];
    const left = window && this.scale.x(window.first);
    return [
      window && s("rect", { class: `shade ${endOf(window.end).look}`, x: left, y: 0, width: Math.max(this.scale.x(window.last + 1) - left, 1), height: row.height }),
      event && s("line", { class: "now", x1: this.scale.x(event.at), x2: this.scale.x(event.at), y1: 0, y2: row.height }),
    ];
  }

  bar(window, y) {
    const left = this.scale.x(window.first);
    const width = Math.max(this.scale.x(window.last + 1) - left, NarrowestBar);
    if (left > this.scale.width || left + width < 0) return null;
    const from = Math.max(left, -4);
    const to = Math.min(left + width, this.scale.width + 4);
    return s("g", { class: `bar ${endOf(window.end).look}${window.runs.length === 0 ? " untried" : ""}${window.index === this.chosen.window ? " chosen" : ""}`, "data-window": window.index, onclick: () => this.choose({ window: window.index }) },
      s("rect", { x: from, y, width: to - from, height: TrackHeight - 3, rx: 2 }),
      to - from > window.end.length * LetterWidth && s("text", { x: Math.max(from, 0) + 5, y: y + 10 }, window.end),
      s("title", {}, `window ${window.index + 1}: ${instruction(window.first)} to ${instruction(window.last)}, ${plural(window.length, "instruction")}, meets ${window.meets}, ${window.end}`));
  }

  /** Marks of a row; those that would overlap are one mark with their number. */
  marks(row, y) {
    const { scale } = this;
    const cells = new Map();
    for (const event of this.events) {
      if (this.hidden.has(event.kind) || !row.holds(event)) continue;
      const x = scale.x(event.at);
      if (x < -CellWidth || x > scale.width + CellWidth) continue;
      const cell = Math.floor(x / CellWidth);
      if (!cells.has(cell)) cells.set(cell, { x, events: [] });
      cells.get(cell).events.push(event);
    }
    return [...cells].map(([cell, { x, events }]) => this.mark(events.length > 1 ? (cell + .5) * CellWidth : x, y, events));
  }

  mark(x, y, events) {
    const chosen = events.find(event => event.index === this.chosen.event);
    const told = chosen ?? events.find(event => event.tone === "violation") ?? events.find(event => event.tone === "notable") ?? events[0];
    const next = chosen ? events[(events.indexOf(chosen) + 1) % events.length] : events[0];
    return s("g", { class: `mark${chosen ? " chosen" : ""}`, "data-event": next.index, onclick: () => this.choose({ event: next.index }) },
      s("rect", { class: "hit", x: x - 7, y: y - 9, width: 14, height: events.length > 1 ? 26 : 18 }),
      chosen && s("circle", { class: "ring", cx: x, cy: y, r: 8.5 }),
      glyph(told.kind, x, y),
      events.length > 1 && s("text", { class: "many", x, y: y + 15 }, events.length > 999 ? "1k" : events.length),
      s("title", {}, events.length === 1 ? `${instruction(told.at)} ${told.title}` : `${events.length} events from ${instruction(events[0].at)} to ${instruction(events.at(-1).at)}`));
  }
}
