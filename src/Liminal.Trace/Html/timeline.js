// The view of one counterexample: the picture with its steps on the left, the state after the chosen step on the right.

class TimelineView {
  /**
   * target: { timeline, back: { href, title }, property, sentence, subject, run, others: [{ href, title, isChosen }], place, sourceName };
   * subject and run are what stands in their lines; moved(step) is called when the reader goes to another step.
   */
  constructor(target, moved) {
    this.target = target;
    this.moved = moved;
    this.timeline = target.timeline;
    this.step = 0;
    this.state = h("section", { class: "state", "aria-label": "state after the chosen step", "aria-live": "polite" });
    this.list = h("ol", { class: "steps", role: "listbox", tabindex: "0", "aria-label": "steps", onmouseleave: () => this.show(this.step) });
    this.drawing = h("div", { class: "drawing" });
    this.element = h("article", { class: "timeline" }, this.heading(), h("div", { class: "columns" }, this.drawing, this.state));
    this.narrow = window.matchMedia("(max-width: 720px)");
    this.redraw = () => this.draw();
    this.narrow.addEventListener("change", this.redraw);
    this.keys = event => this.key(event);
    document.addEventListener("keydown", this.keys);
    this.draw();
  }

  leave() {
    this.narrow.removeEventListener("change", this.redraw);
    document.removeEventListener("keydown", this.keys);
  }

  heading() {
    const { back, property, sentence, subject, run } = this.target;
    return h("header", { class: "heading" },
      h("nav", { "aria-label": "way back" }, h("a", { href: back.href }, `‹ ${back.title}`), this.chooser()),
      h("h2", {}, icon("violated"), h("code", {}, property), h("span", { class: "sub" }, subject)),
      sentence && h("p", { class: "sentence" }, sentence),
      h("p", { class: "conclusion" }, this.timeline.conclusion),
      h("p", { class: "run" }, run));
  }

  /** Every other counterexample of the same place, each once. */
  chooser() {
    const { others, place } = this.target;
    if (others.length < 2) return null;
    return h("label", { class: "field" }, h("span", {}, `${others.length} counterexamples in this ${place}`),
      h("select", { id: "other", onchange: event => { location.hash = event.target.value; } },
        others.map(other => h("option", { value: other.href, selected: other.isChosen }, other.title))));
  }

  draw() {
    this.picture = new LanePicture(this.timeline, this.narrow.matches);
    const who = new Map(this.timeline.lanes.map(lane => [lane.id, lane]));
    this.rows = this.timeline.steps.map((step, i) => {
      const actor = who.get(step.lane);
      const pad = h("div", { class: "lanes" }, this.picture.strip(i));
      pad.style.width = `${this.picture.width}px`;
      return h("li", {
        role: "option", id: `step-${i}`, class: step.tone, "aria-selected": "false", onclick: () => this.go(i), onmouseenter: () => this.show(i),
      }, pad, h("div", { class: "words" },
        h("span", { class: "number" }, step.number),
        h("div", {}, actor && h("b", { class: actor.kind }, actor.title), " ", h("span", { class: "title" }, step.title),
          step.tone === "violation" && h("span", { class: "tag" }, "violation"),
          h("p", { class: "print-only" }, step.detail, step.source && h("span", { class: "source" }, ` ${this.target.sourceName}: ${step.source}`)))));
    });
    fill(this.list, this.rows);
    fill(this.drawing, this.picture.head(), this.list,
      h("p", { class: "keys" }, h("kbd", {}, "↑"), h("kbd", {}, "↓"), " step ", h("kbd", {}, "Home"), h("kbd", {}, "End"), " first, last ", h("kbd", {}, "Esc"), ` back to the ${this.target.back.title}`));
    this.select(this.step);
  }

  /** Chooses a step and tells the address bar. */
  go(index) {
    this.select(index);
    this.moved(this.step);
    this.rows[this.step]?.scrollIntoView({ block: "nearest" });
  }

  select(index) {
    this.step = Math.max(0, Math.min(this.timeline.steps.length - 1, index));
    this.rows.forEach((row, i) => row.setAttribute("aria-selected", i === this.step));
    this.list.setAttribute("aria-activedescendant", `step-${this.step}`);
    this.show(this.step);
  }

  /** Shows the state after a step; hovering shows one without choosing it. */
  show(index) {
    if (this.timeline.steps.length === 0) return;
    const step = this.timeline.steps[index];
    const actor = this.timeline.lanes.find(lane => lane.id === step.lane);
    const changes = changesOf(this.timeline, index);
    this.rows.forEach((row, i) => row.classList.toggle("shown", i === index));
    fill(this.state,
      h("header", {},
        h("p", { class: "place" }, `step ${step.number} of ${this.timeline.steps.at(-1).number}`),
        h("div", { class: "walk" }, this.walkButton("‹", "step before", -1), this.walkButton("›", "next step", 1))),
      h("h3", { class: step.tone }, actor && h("span", { class: `actor ${actor.kind}` }, actor.title), " ", step.title),
      step.detail && h("p", { class: "what" }, step.detail),
      step.source && h("p", { class: "source" }, h("span", {}, `${this.target.sourceName} `), step.source),
      step.tables.map(table => stateTable(table, changes)),
      index > 0 && step.tables.length > 0 && changes.size === 0 && h("p", { class: "unchanged" }, "This step changes nothing in the tables."));
  }

  walkButton(text, label, by) {
    return h("button", { type: "button", class: "plain", "aria-label": label, onclick: () => this.go(this.step + by) }, text);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, summary")) return;
    if (event.key === "Escape") {
      location.hash = this.target.back.href;
      return;
    }
    const last = this.timeline.steps.length - 1;
    const to = { ArrowDown: this.step + 1, ArrowRight: this.step + 1, ArrowUp: this.step - 1, ArrowLeft: this.step - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.go(to);
  }
}

/** A state table; a changed cell is marked, and says what it was. */
function stateTable(table, changes) {
  return h("div", { class: "scroll" }, h("table", { class: "state-table" },
    h("caption", {}, table.title),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "unseen" }, "row")), table.columns.map(column => h("th", { scope: "col" }, column)))),
    h("tbody", {}, table.rows.map(row => h("tr", {}, h("th", { scope: "row" }, row.name), table.columns.map((column, i) => {
      const key = cellKey(table, row, column);
      const old = changes.get(key);
      return changes.has(key)
        ? h("td", { class: "changed" }, h("span", { class: "now" }, h("span", { class: "mark", "aria-hidden": "true" }, "*"), row.cells[i]), old !== null && h("span", { class: "was" }, `was ${old === "" ? "empty" : old}`))
        : h("td", {}, row.cells[i] ?? "");
    }))))));
}
