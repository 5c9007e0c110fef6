// The picture of a timeline: a lane per actor and page, time downwards, one strip of SVG per step so that text can wrap beside it.

const NodeY = 14;
const WidestPicture = 340;

class LanePicture {
  constructor(timeline, narrow) {
    this.timeline = timeline;
    const states = timeline.steps.flatMap(step => timeline.lanes.map(lane => pageState(lane, step) ?? ""));
    const labelled = Math.min(120, 24 + Math.max(0, ...states.map(state => state.length)) * 5.8);
    const hasStates = states.some(state => state !== ""); // without, a page is a lane as any other
    const isPage = timeline.lanes.map(lane => lane.kind === "page" && hasStates);
    const wide = timeline.lanes.map((lane, i) => isPage[i] ? labelled : Math.max(48, lane.title.length * 6.4 + 10));
    const upright = isPage.map(page => page ? labelled : 26);
    const fits = widths => !narrow && widths.reduce((a, b) => a + b, 0) <= WidestPicture;
    const widths = fits(wide) ? wide : fits(upright) ? upright : isPage.map(() => narrow ? 20 : 26);
    this.isUpright = widths !== wide;
    this.hasLabels = hasStates && (widths === wide || widths === upright);
    let x = 0;
    this.lanes = timeline.lanes.map((lane, i) => {
      const left = x;
      x += widths[i];
      return { ...lane, left, width: widths[i], x: isPage[i] && this.hasLabels ? left + 10 : left + widths[i] / 2 };
    });
    this.width = x;
    this.states = timeline.steps.map(step => this.lanes.map(lane => pageState(lane, step)));
    this.names = [...new Set(this.states.flat().filter(state => state !== null))];
  }

  /** The names above the lanes. */
  head() {
    return h("div", { class: `lane-head${this.isUpright ? " upright" : ""}`, "aria-hidden": "true" }, this.lanes.map(lane => {
      const title = h("span", { class: `${lane.kind}${this.isUpright && !(lane.kind === "page" && this.hasLabels) ? " up" : ""}`, title: lane.title }, lane.title);
      title.style.width = `${lane.width}px`;
      return title;
    }));
  }

  /** The strip of one step: who acts, and on whom it has an effect. */
  strip(index) {
    const step = this.timeline.steps[index];
    const actor = this.lanes.find(lane => lane.id === step.lane);
    const changes = changesOf(this.timeline, index);
    const touched = this.lanes.filter(lane => lane !== actor && touches(lane, step, changes));
    const ends = [actor, ...touched].filter(Boolean).map(lane => lane.x);
    return s("svg", { class: `strip-of-step ${step.tone}`, width: this.width, height: "100%", "aria-hidden": "true" },
      this.lanes.map((lane, i) => this.laneLine(lane, i, index)),
      actor && touched.length > 0 && s("line", { class: `reach ${actor.kind}`, x1: Math.min(...ends), x2: Math.max(...ends), y1: NodeY, y2: NodeY }),
      touched.map(lane => s("circle", { class: `touched ${lane.kind}`, cx: lane.x, cy: NodeY, r: 3.5 })),
      actor && this.node(actor, step.tone));
  }

  laneLine(lane, laneIndex, index) {
    const first = index === 0 ? NodeY : 0;
    const last = index === this.timeline.steps.length - 1;
    const state = this.states[index][laneIndex];
    if (state === null)
      return s("line", { class: `lane ${lane.kind}`, x1: lane.x, x2: lane.x, y1: first, y2: last ? NodeY : "100%" });
    const before = index === 0 ? state : this.states[index - 1][laneIndex];
    const bar = (name, y, height) => s("rect", { class: `page-state state-${this.names.indexOf(name) % 6}`, x: lane.x - 4, y, width: 8, height });
    return [
      before !== null && bar(before, first, NodeY - first),
      bar(state, NodeY, last ? 8 : "100%"),
      this.hasLabels && (index === 0 || state !== before) && s("text", { class: "page-label", x: lane.x + 9, y: NodeY + 4 }, state),
      s("title", {}, `${lane.title}: ${state}`),
    ];
  }

  node(lane, tone) {
    const at = { class: `node ${lane.kind} ${tone}` };
    if (tone === "violation")
      return s("g", at, s("circle", { cx: lane.x, cy: NodeY, r: 8 }), s("path", { d: `M${lane.x - 3.2} ${NodeY - 3.2}l6.4 6.4m0-6.4l-6.4 6.4` }));
    if (tone === "notable")
      return s("path", { ...at, d: `M${lane.x} ${NodeY - 6.5}l6.5 6.5l-6.5 6.5l-6.5-6.5z` });
    return s("circle", { ...at, cx: lane.x, cy: NodeY, r: 4.5 });
  }
}

/** The state of a page as its lane shows it: the first cell of the row that has the lane's title; null for other lanes. */
function pageState(lane, step) {
  if (lane.kind !== "page") return null;
  for (const table of step.tables) {
    const row = table.rows.find(r => r.name === lane.title);
    if (row) return row.cells[0] ?? null;
  }
  return null;
}

/** The cells of a step that differ from the step before, as Timelines/StateChanges.cs has it: key of the cell to its old text. */
function changesOf(timeline, index) {
  const changes = new Map();
  if (index === 0) return changes;
  const before = new Map();
  eachCell(timeline.steps[index - 1], (key, text) => before.set(key, text));
  eachCell(timeline.steps[index], (key, text) => {
    if (before.get(key) !== text) changes.set(key, before.get(key) ?? null);
  });
  return changes;
}

function eachCell(step, visit) {
  for (const table of step.tables)
    for (const row of table.rows)
      table.columns.forEach((column, i) => {
        if (i < row.cells.length) visit(cellKey(table, row, column), row.cells[i], row, column);
      });
}

function cellKey(table, row, column) {
  return JSON.stringify([table.title, row.name, column]);
}

/** Whether a change of the step is in a row or column that names the lane. */
function touches(lane, step, changes) {
  let found = false;
  eachCell(step, (key, text, row, column) => {
    found ||= changes.has(key) && (namesLane(row.name, lane.title) || namesLane(column, lane.title));
  });
  return found;
}

/** "direct map of page 1" names "page 1"; "page 10" does not. */
function namesLane(text, title) {
  const at = text.indexOf(title);
  if (at < 0 || title === "") return false;
  const isWord = c => c !== undefined && /[\p{L}\p{N}]/u.test(c);
  return !isWord(text[at - 1]) && !isWord(text[at + title.length]);
}
