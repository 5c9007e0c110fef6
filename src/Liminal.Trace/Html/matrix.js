// The matrix: protocols and directions down, platforms across; in each cell the success path and, below it, with failures.

const StripPitch = 6;
const StripHeight = 10;

/** How tall a property's bar is in the strip of a cell: the worse, the taller. */
const StripBars = {
  violated: x => `M${x} 0h4v10h-4z`,
  depends: x => `M${x} 5h4v5h-4z`,
  inconclusive: x => `M${x + .5} 3.5h3v6h-3z`,
  holds: x => `M${x} 8h4v2h-4z`,
  notApplicable: () => "",
  notExplored: () => "",
};

class Matrix {
  /** open(key, byKeyboard) is called when the reader chooses a cell. */
  constructor(report, open) {
    this.report = report;
    this.open = open;
    this.withFailures = report.cells.some(cell => cell.runs.some(run => run.failures));
    this.filter = { text: "", platforms: new Set(report.platforms.map(p => p.name)), property: "", host: "", verdicts: new Set(Object.keys(Verdicts)) };
    this.grid = h("div", { class: "grid-scroll" });
    this.count = h("p", { class: "count", role: "status" });
    this.element = h("section", { class: "matrix", "aria-label": "verdict matrix" }, this.controls(), this.count, this.grid);
    this.draw();
  }

  controls() {
    const update = change => event => { change(event); this.draw(); };
    const toggle = (set, name) => event => {
      set.has(name) ? set.delete(name) : set.add(name);
      event.currentTarget.setAttribute("aria-pressed", set.has(name));
      this.draw();
    };
    const choose = (id, label, key, all, entries) => h("label", { class: "field" }, h("span", {}, label),
      h("select", { id, onchange: update(event => { this.filter[key] = event.target.value; }) },
        h("option", { value: "" }, all), entries.map(entry => h("option", { value: entry.name, title: entry.title }, entry.name))));

    return h("div", { class: "controls", role: "group", "aria-label": "filters" },
      h("label", { class: "field" }, h("span", {}, "protocol"),
        h("input", { id: "filter-protocol", type: "search", placeholder: "any", autocomplete: "off", spellcheck: "false",
          oninput: update(event => { this.filter.text = event.target.value.trim().toLowerCase(); }) })),
      choose("filter-property", "property", "property", "all", this.report.properties),
      choose("filter-host", "host", "host", "all", this.report.hosts),
      h("div", { class: "field", role: "group", "aria-label": "platforms" }, h("span", {}, "platforms"),
        h("div", { class: "chips" }, this.report.platforms.map(platform => h("button", {
          type: "button", class: "chip", title: platform.title, "data-platform": platform.name, "aria-pressed": "true",
          onclick: toggle(this.filter.platforms, platform.name) }, platform.name)))),
      h("div", { class: "field", role: "group", "aria-label": "verdicts" }, h("span", {}, "verdicts"),
        h("div", { class: "chips" }, Object.keys(Verdicts).filter(verdict => verdict !== "notExplored").map(verdict => h("button", {
          type: "button", class: "chip", "data-verdict": verdict, "aria-pressed": "true",
          onclick: toggle(this.filter.verdicts, verdict) }, icon(verdict), Verdicts[verdict].word)))));
  }

  draw() {
    const { text, platforms, property, host } = this.filter;
    const columns = this.report.platforms.filter(platform => platforms.has(platform.name));
    const properties = new Set(property ? [property] : this.report.properties.map(p => p.name));
    const shown = [];
    const bodies = this.report.protocols
      .filter(protocol => `${protocol.name} ${protocol.title}`.toLowerCase().includes(text))
      .map(protocol => {
        const cells = this.report.cells.filter(cell => cell.protocol === protocol.name && platforms.has(cell.platform));
        const rows = [...new Set(cells.map(cell => cell.direction))].map(direction => {
          const drawn = columns.map(column => {
            const cell = cells.find(c => c.direction === direction && c.platform === column.name);
            return cell ? this.cell(cell, properties, host) : { element: h("td", { role: "gridcell" }), matches: false };
          });
          if (!drawn.some(cell => cell.matches)) return null;
          shown.push(...drawn.filter(cell => cell.matches));
          return h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader", title: direction === "encrypt" ? "shared to private" : "private to shared" }, direction), drawn.map(cell => cell.element));
        }).filter(row => row !== null);
        return rows.length === 0 ? null : h("tbody", { role: "rowgroup" },
          h("tr", { role: "row", class: "protocol" }, h("th", { scope: "rowgroup", role: "rowheader", colspan: columns.length + 1, title: protocol.source },
            h("span", { class: "pinned" }, h("code", {}, protocol.name), h("span", { class: "title" }, protocol.title)))),
          rows);
      }).filter(body => body !== null);

    this.count.textContent = shown.length === 0 ? "No cell matches the filters." : this.tally(shown);
    fill(this.grid, bodies.length > 0 && h("table", { role: "grid", "aria-label": "verdicts", onkeydown: event => this.move(event) },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("th", { scope: "col", role: "columnheader" }, h("span", { class: "unseen" }, "direction")),
        columns.map(column => h("th", { scope: "col", role: "columnheader", title: column.title }, h("code", {}, column.name))))),
      bodies));
    this.mark(this.marked);
  }

  cell(cell, properties, host) {
    const runs = cell.runs.filter(run => !host || run.host === host);
    const paths = cell.runs.some(run => run.failures) ? [false, true] : [false];
    const lines = paths.map(failures => {
      const chosen = runs.filter(run => run.failures === failures);
      return { failures, chosen, summary: summarise(cell, chosen, properties) };
    });
    const words = lines.map(line => (line.failures ? "with failures " : "") + inWords(line.summary)).join("; ");
    const matches = lines.some(line => this.filter.verdicts.has(line.summary.verdict));
    const key = addressOf(cell);
    const content = cell.applicable
      ? lines.map(({ failures, chosen, summary }) => h("span", { class: `line ${summary.verdict}${failures ? " failures" : ""}` },
        icon(summary.verdict), h("span", { class: "number" }, summary.violated > 0 ? summary.violated : ""), this.strip(cell, chosen)))
      : h("span", { class: "line notApplicable" }, icon("notApplicable"));
    const button = h("button", {
      type: "button", tabindex: "-1", "data-cell": key, "data-words": words, title: cell.applicable ? words : `not applicable: ${cell.whyNot ?? ""}`,
      "aria-label": `${cell.protocol}, ${cell.direction}, ${cell.platform}: ${words}`, onclick: event => this.open(key, event.detail === 0) }, content);
    return { matches, verdict: lines[0].summary.verdict, element: h("td", { role: "gridcell", class: matches ? null : "dim" }, button) };
  }

  /** How many of the cells have which verdict. */
  tally(cells) {
    const counts = Object.keys(Verdicts).map(verdict => [verdict, cells.filter(cell => cell.verdict === verdict).length]);
    const path = this.withFailures ? " on the success path" : "";
    return `${plural(cells.length, "cell")}${path}: ${counts.filter(([, count]) => count > 0).map(([verdict, count]) => `${count} ${count === 1 ? Verdicts[verdict].word : Verdicts[verdict].many}`).join(", ")}`;
  }

  /** A bar per property, in the order of the legend. */
  strip(cell, runs) {
    const shapes = {};
    this.report.properties.forEach((property, i) => {
      const { verdict } = summarise(cell, runs, new Set([property.name]));
      shapes[verdict] = (shapes[verdict] ?? "") + StripBars[verdict](i * StripPitch);
    });
    const width = this.report.properties.length * StripPitch - 2;
    return s("svg", { class: "strip", viewBox: `0 0 ${width} ${StripHeight}`, width, height: StripHeight, "aria-hidden": "true" },
      Object.entries(shapes).filter(([, d]) => d !== "").map(([verdict, d]) => s("path", { d, class: verdict })));
  }

  legend() {
    const explained = {
      holds: "every state was seen; no property is violated",
      depends: "violated under some hosts or settings only",
      violated: "violated under every host and setting; the number counts properties",
      inconclusive: "a limit was reached before every state had been seen",
      notApplicable: "the protocol makes no sense on the platform, or the property says nothing there",
    };
    const width = 4;
    const bar = verdict => s("svg", { class: "strip", viewBox: `0 0 ${width} ${StripHeight}`, width, height: StripHeight, "aria-hidden": "true" }, s("path", { d: StripBars[verdict](0), class: verdict }));
    return h("section", { class: "legend", "aria-label": "legend" }, h("h2", {}, "How to read it"),
      h("dl", { class: "verdicts" }, Object.entries(explained).map(([verdict, text]) =>
        [h("dt", {}, icon(verdict), bar(verdict), Verdicts[verdict].word), h("dd", {}, text)])),
      this.withFailures && h("p", {}, "The upper line of a cell is the success path; the lower line, where a step of the protocol can fail, adds failures inside the guest."),
      h("p", {}, "The bars of a line stand for the properties, from left to right:"),
      h("ol", { class: "properties" }, this.report.properties.map(property => h("li", {}, h("code", {}, property.name), " ", property.title))));
  }

  /** Marks the open cell and makes it the one that the tab key reaches. */
  mark(key) {
    this.marked = key;
    const buttons = [...this.grid.querySelectorAll("button")];
    for (const button of buttons) {
      button.classList.toggle("marked", button.dataset.cell === key);
      button.tabIndex = -1;
    }
    const reached = buttons.find(button => button.dataset.cell === key) ?? buttons[0];
    if (reached) reached.tabIndex = 0;
  }

  /** Arrow keys, Home and End walk through the cells. */
  move(event) {
    const cell = event.target.closest("td");
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -Infinity], End: [0, Infinity] };
    const step = steps[event.key];
    if (!cell || !step) return;
    event.preventDefault();
    const rows = [...this.grid.querySelectorAll("tr:has(td)")];
    const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
    const row = rows[clamp(rows.indexOf(cell.parentElement) + step[0], rows.length)];
    const cells = [...row.querySelectorAll("td")];
    const next = cells[clamp([...cell.parentElement.querySelectorAll("td")].indexOf(cell) + step[1], cells.length)].querySelector("button");
    if (!next) return;
    for (const button of this.grid.querySelectorAll("button[tabindex='0']")) button.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}
