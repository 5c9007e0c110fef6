// The view of one counterexample: the picture with its steps on the left, the state after the chosen step on the right.

class TimelineView {
  /** target: { cell, property, run }; moved(step) is called when the reader goes to another step. */
  constructor(report, target, moved) {
    this.report = report;
    this.target = target;
    this.moved = moved;
    this.timeline = report.timeline(target.number);
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
    const { cell, property, run } = this.target;
    const sentence = this.report.properties.find(p => p.name === property)?.title;
    return h("header", { class: "heading" },
      h("nav", { "aria-label": "way back" }, h("a", { href: `#/${addressOf(cell)}` }, "‹ matrix"), this.chooser()),
      h("h2", {}, icon("violated"), h("code", {}, property), h("span", { class: "sub" }, h("code", {}, cell.protocol), ` ${cell.direction} on `, h("code", {}, cell.platform))),
      sentence && h("p", { class: "sentence" }, sentence),
      h("p", { class: "conclusion" }, this.timeline.conclusion),
      h("p", { class: "run" }, "host ", h("code", {}, run.host), run.switches.map(text => [" · ", h("code", {}, text)]),
        run.failures ? " · with failures" : " · success path", ` · ${run.region}`));
  }

  /** Every other counterexample of the cell, each once. */
  chooser() {
    const { cell, property, number } = this.target;
    const seen = new Map();
    cell.runs.forEach((run, index) => run.verdicts.forEach(v => {
      const key = `${v.property} ${v.timeline}`;
      if (v.timeline >= 0 && !seen.has(key)) seen.set(key, { property: v.property, index, run, number: v.timeline });
    }));
    if (seen.size < 2) return null;
    return h("label", { class: "field" }, h("span", {}, `${seen.size} counterexamples in this cell`),
      h("select", { id: "other", onchange: event => { location.hash = event.target.value; } },
        [...seen.values()].map(other => h("option", {
          value: `#/${addressOf(cell)}/${encodeURIComponent(other.property)}/${other.index}`,
          selected: other.property === property && other.number === number,
        }, `${other.property} · ${other.run.host}${other.run.failures ? " · with failures" : ""}`))));
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
          h("p", { class: "print-only" }, step.detail, step.source && h("span", { class: "source" }, ` Source: ${step.source}`)))));
    });
    fill(this.list, this.rows);
    fill(this.drawing, this.picture.head(), this.list,
      h("p", { class: "keys" }, h("kbd", {}, "↑"), h("kbd", {}, "↓"), " step ", h("kbd", {}, "Home"), h("kbd", {}, "End"), " first, last ", h("kbd", {}, "Esc"), " back to the matrix"));
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
      step.source && h("p", { class: "source" }, h("span", {}, "Source "), step.source),
      step.tables.map(table => stateTable(table, changes)),
      index > 0 && changes.size === 0 && h("p", { class: "unchanged" }, "This step changes nothing in the tables."));
  }

  walkButton(text, label, by) {
    return h("button", { type: "button", class: "plain", "aria-label": label, onclick: () => this.go(this.step + by) }, text);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, summary")) return;
    if (event.key === "Escape") {
      location.hash = `#/${addressOf(this.target.cell)}`;
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
