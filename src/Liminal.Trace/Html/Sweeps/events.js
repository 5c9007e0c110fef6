// The list of events: as long as the conversion, but only the lines in sight are in the page.

const LineHeight = 24;
const LinesBeyond = 8;

class EventList {
  /** choose(index) is called when the reader goes to another event; filtered() when kinds were switched on or off. */
  constructor(events, choose, filtered) {
    this.events = events;
    this.choose = choose;
    this.filtered = filtered;
    this.hidden = new Set();
    this.chosen = -1;
    this.body = h("div", { class: "event-lines", role: "presentation" });
    this.list = h("div", { class: "event-list", role: "listbox", tabindex: "0", "aria-label": "events", onscroll: () => this.draw() }, this.body);
    this.tally = h("p", { class: "count", role: "status" });
    this.element = h("section", { class: "events", "aria-label": "events" }, h("h3", {}, "Events"), this.tally, this.list);
    this.filter();
  }

  chips() {
    const counts = new Map();
    for (const event of this.events) counts.set(event.kind, (counts.get(event.kind) ?? 0) + 1);
    return h("div", { class: "chips", role: "group", "aria-label": "kinds of events" }, [...counts].map(([kind, number]) => h("button", {
      type: "button", class: "chip", "data-kind": kind, "aria-pressed": "true",
      onclick: event => {
        this.hidden.has(kind) ? this.hidden.delete(kind) : this.hidden.add(kind);
        event.currentTarget.setAttribute("aria-pressed", !this.hidden.has(kind));
        this.filter();
        this.filtered(this.hidden);
      } }, glyphIcon(kind), kindOf(kind).word, h("span", { class: "soft" }, count(number)))));
  }

  filter() {
    this.shown = this.events.filter(event => !this.hidden.has(event.kind));
    this.tally.textContent = this.shown.length === this.events.length ? plural(this.shown.length, "event") : `${count(this.shown.length)} of ${plural(this.events.length, "event")}`;
    this.body.style.height = `${this.shown.length * LineHeight}px`;
    this.draw();
  }

  /** Draws the lines in sight. */
  draw() {
    const from = Math.max(0, Math.floor(this.list.scrollTop / LineHeight) - LinesBeyond);
    const to = Math.min(this.shown.length, Math.ceil((this.list.scrollTop + (this.list.clientHeight || 400)) / LineHeight) + LinesBeyond);
    fill(this.body, this.shown.slice(from, to).map((event, i) => this.line(event, from + i)));
    const isDrawn = this.shown.slice(from, to).some(event => event.index === this.chosen);
    if (isDrawn) this.list.setAttribute("aria-activedescendant", `event-${this.chosen}`);
    else this.list.removeAttribute("aria-activedescendant");
  }

  line(event, place) {
    const line = h("div", {
      class: `event-line ${event.tone}`, role: "option", id: `event-${event.index}`, "data-event": event.index, "aria-selected": String(event.index === this.chosen),
      "aria-posinset": place + 1, "aria-setsize": this.shown.length, onclick: () => this.choose(event.index),
    }, h("span", { class: "at" }, instruction(event.at)), glyphIcon(event.kind), h("span", { class: "lane-name" }, event.who),
    h("span", { class: "title" }, event.title), h("code", { class: "symbol" }, event.symbol));
    line.style.top = `${place * LineHeight}px`;
    return line;
  }

  show(index) {
    this.chosen = index;
    const place = this.shown.findIndex(event => event.index === index);
    if (place >= 0) {
      const top = place * LineHeight;
      const room = this.list.clientHeight || 400;
      if (top < this.list.scrollTop) this.list.scrollTop = top;
      else if (top + LineHeight > this.list.scrollTop + room) this.list.scrollTop = top + LineHeight - room;
    }
    this.draw();
  }

  /** The event that is so many shown events further; null when there is none. */
  step(from, by) {
    if (this.shown.length === 0) return null;
    const place = this.shown.findIndex(event => event.index >= from);
    if (place < 0) return this.shown.at(-1).index;
    const isOn = this.shown[place].index === from;
    const to = place + by - (isOn || by < 0 ? 0 : 1);
    return this.shown[Math.max(0, Math.min(this.shown.length - 1, to))].index;
  }

  first() {
    return this.shown[0]?.index ?? null;
  }

  last() {
    return this.shown.at(-1)?.index ?? null;
  }
}
