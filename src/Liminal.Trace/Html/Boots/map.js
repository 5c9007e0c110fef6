// Guest memory over time: pages upwards, instructions to the right, each page in the colour of its side. One conversion can be looked at closely.

const MapWidth = 1000;
const MapHeight = 380;
const MapLeft = 74;
const MapBottom = 30;
const MapTop = 16;
const LeastPixels = 2; // a page of a large guest is far less than one

class MemoryMap {
  constructor(census, onChoose) {
    this.census = census;
    this.onChoose = onChoose;
    this.pages = census.ram.reduce((sum, run) => sum + run.pages, 0);
    this.end = Math.max(1, census.instructions);
    this.shapes = shapesOf(census);
    this.picture = h("div", { class: "map-picture" });
    this.caption = h("figcaption", { class: "map-caption" });
    this.element = h("figure", { class: "map" }, this.picture, this.caption);
    this.show(-1);
  }

  /** Shows the whole boot (-1), or the time and the pages of one conversion. */
  show(index) {
    this.index = index;
    const whole = { from: 0, to: this.end, low: 0, high: this.pages };
    const view = index < 0 ? whole : this.closeUp(this.census.conversions[index]) ?? whole;
    fill(this.picture, this.draw(view));
    const scale = view === whole ? "the whole boot" : `conversion ${index + 1}: ${plural(Math.round(view.to - view.from), "instruction")}, ${plural(Math.round(view.high - view.low), "page")}`;
    fill(this.caption, h("span", {}, `Guest memory over time, ${scale}. `),
      h("span", { class: "key" }, h("i", { class: "swatch shared" }), "shared"), h("span", { class: "key" }, h("i", { class: "swatch between" }), "neither"),
      h("span", { class: "key" }, h("i", { class: "swatch private" }), "private"),
      view !== whole && h("button", { type: "button", class: "plain", onclick: () => this.onChoose(-1) }, "the whole boot"),
      h("span", { class: "small" }, `What is smaller than ${LeastPixels} pixels is drawn ${LeastPixels} pixels large. Between its first page and its last a change is drawn as a straight line.`));
  }

  closeUp(conversion) {
    const runs = conversion.frames.map(run => this.place(run.first)).filter(at => at !== null);
    if (runs.length === 0) return null;
    const low = Math.min(...runs);
    const high = Math.max(...conversion.frames.map(run => (this.place(run.first) ?? low) + run.pages));
    const from = conversion.instruction;
    const to = Math.max(from + 1, conversion.returned ?? this.end);
    const time = (to - from) * .06;
    const room = Math.max(1, (high - low) * .06);
    return { from: Math.max(0, from - time), to: to + time, low: Math.max(0, low - room), high: Math.min(this.pages, high + room) };
  }

  /** A page's number when the gaps between pieces of RAM are left out; null outside RAM. */
  place(frame) {
    let before = 0;
    for (const run of this.census.ram) {
      if (frame >= run.first && frame < run.first + run.pages) return before + frame - run.first;
      before += run.pages;
    }
    return null;
  }

  frameAt(place) {
    for (const run of this.census.ram) {
      if (place < run.pages) return run.first + place;
      place -= run.pages;
    }
    const last = this.census.ram.at(-1);
    return last.first + last.pages;
  }

  draw(view) {
    const right = MapWidth - 8;
    const bottom = MapHeight - MapBottom;
    const x = time => MapLeft + (Math.min(Math.max(time, view.from), view.to) - view.from) / (view.to - view.from) * (right - MapLeft);
    const y = place => bottom - (Math.min(Math.max(place, view.low), view.high) - view.low) / (view.high - view.low) * (bottom - MapTop);
    const marks = this.census.conversions.map((conversion, index) => ({ conversion, index }))
      .filter(({ conversion }) => conversion.instruction >= view.from && conversion.instruction <= view.to);
    return s("svg", { viewBox: `0 0 ${MapWidth} ${MapHeight}`, role: "img", "aria-label": "guest memory over time; the same is in the tables below" },
      s("rect", { class: "map-ground", x: MapLeft, y: MapTop, width: right - MapLeft, height: bottom - MapTop }),
      this.shapes.map(shape => this.shape(shape, view, x, y)),
      this.timeAxis(view, x, bottom), this.pageAxis(view, y),
      marks.map(({ conversion, index }) => s("path", {
        class: `map-mark${index === this.index ? " chosen" : ""}`, d: `M${x(conversion.instruction)} ${MapTop - 1}l-4 -9h8z`, onclick: () => this.onChoose(index),
      }, s("title", {}, `${index + 1}: ${conversion.function}, ${plural(conversion.pages, "page")}`))));
  }

  shape(shape, view, x, y) {
    const low = this.place(shape.first);
    if (low === null || shape.side === "private") return null;
    const high = low + shape.pages;
    const isOutside = high < view.low || low > view.high || Math.max(shape.endLow, shape.endHigh) < view.from || Math.min(shape.begunLow, shape.begunHigh) > view.to;
    if (isOutside) return null;
    const title = s("title", {}, `${plural(shape.pages, "page")} from ${hex(shape.first)}: ${shape.side === "between" ? "neither private nor shared" : shape.side}, from ${count(shape.begunLow)} on`);
    const [top, bottom] = [y(high), y(low)];
    const points = [[x(shape.begunLow), bottom], [x(shape.endLow), bottom], [x(shape.endHigh), top], [x(shape.begunHigh), top]];
    const isSmall = bottom - top < LeastPixels || Math.max(...points.map(p => p[0])) - Math.min(...points.map(p => p[0])) < LeastPixels;
    if (!isSmall) return s("polygon", { class: `side ${shape.side}`, points: points.map(point => point.join()).join(" ") }, title);
    const left = Math.min(...points.map(p => p[0]));
    const width = Math.max(LeastPixels, Math.max(...points.map(p => p[0])) - left);
    return s("rect", { class: `side ${shape.side}`, x: left, y: top, width, height: Math.max(LeastPixels, bottom - top) }, title);
  }

  timeAxis(view, x, bottom) {
    const step = niceStep((view.to - view.from) / 7, 10);
    const start = this.index < 0 ? 0 : this.census.conversions[this.index].instruction;
    const ticks = [];
    for (let time = Math.ceil((view.from - start) / step) * step; time <= view.to - start; time += step) ticks.push(time);
    return [
      ticks.map(time => s("g", { class: "map-tick" }, s("line", { x1: x(start + time), x2: x(start + time), y1: bottom, y2: bottom + 4 }),
        s("text", { x: x(start + time), y: bottom + 16, "text-anchor": "middle" }, shortCount(time || 0)))),
      s("text", { class: "map-unit", x: MapWidth - 8, y: bottom + 28, "text-anchor": "end" }, this.index < 0 ? "instructions" : "instructions since it was entered"),
    ];
  }

  pageAxis(view, y) {
    const step = Math.max(1, niceStep((view.high - view.low) / 8, 2));
    const ticks = [];
    for (let place = Math.ceil(view.low / step) * step; place <= view.high; place += step) ticks.push(place);
    return ticks.map(place => s("g", { class: "map-tick" }, s("line", { x1: MapLeft - 4, x2: MapLeft, y1: y(place), y2: y(place) }),
      s("text", { x: MapLeft - 7, y: y(place) + 4, "text-anchor": "end" }, placeText(this.frameAt(place), step))));
  }
}

/** Pieces of memory that were on one side for a while: where their first and last page came there, and left. */
function shapesOf(census) {
  const changes = census.heldBy === "platform"
    ? census.conversions.flatMap(c => c.changes.map(run => ({ first: run.first, pages: run.pages, side: run.side, low: run.begun, high: run.ended })))
    : census.conversions.filter(c => c.returned !== null && (c.result === null || c.result === "0"))
      .flatMap(c => c.frames.map(run => ({ first: run.first, pages: run.pages, side: c.direction, low: c.returned, high: c.returned })));
  changes.sort((a, b) => a.low - b.low);
  let pieces = census.shared.filter(run => run.conversion < 0).map(run => ({ first: run.first, pages: run.pages, side: run.side, low: 0, high: 0 }));
  const shapes = [];
  const close = (piece, from, pages, endLow, endHigh) => shapes.push({
    first: from, pages, side: piece.side, begunLow: timeIn(piece, from), begunHigh: timeIn(piece, from + pages), endLow, endHigh,
  });
  for (const change of changes) {
    const left = [];
    for (const piece of pieces) {
      const from = Math.max(piece.first, change.first);
      const to = Math.min(piece.first + piece.pages, change.first + change.pages);
      if (from >= to) { left.push(piece); continue; }
      close(piece, from, to - from, timeIn(change, from), timeIn(change, to));
      if (from > piece.first) left.push(part(piece, piece.first, from));
      if (to < piece.first + piece.pages) left.push(part(piece, to, piece.first + piece.pages));
    }
    if (change.side !== "private") left.push(change);
    pieces = left;
  }
  for (const piece of pieces) close(piece, piece.first, piece.pages, census.instructions, census.instructions);
  return shapes;
}

function timeIn(run, frame) {
  return run.low + (run.high - run.low) * (frame - run.first) / run.pages;
}

function part(run, from, to) {
  return { first: from, pages: to - from, side: run.side, low: timeIn(run, from), high: timeIn(run, to) };
}

/** 1, 2 or 5 times a power of ten; or a power of two. */
function niceStep(least, base) {
  if (base === 2) return 2 ** Math.ceil(Math.log2(Math.max(least, 1)));
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return [1, 2, 5, 10].map(n => n * power).find(step => step >= least);
}

function shortCount(number) {
  const [unit, name] = Math.abs(number) >= 1e9 ? [1e9, " G"] : Math.abs(number) >= 1e6 ? [1e6, " M"] : Math.abs(number) >= 1e4 ? [1e3, " k"] : [1, ""];
  return `${(number / unit).toLocaleString("en", { maximumFractionDigits: 2 })}${name}`;
}

function count(number) {
  return Math.round(number).toLocaleString("en");
}

function hex(number) {
  return "0x" + number.toString(16);
}

/** An address where the steps are whole MiB, else the number of the page. */
function placeText(frame, step) {
  if (step % 256 !== 0) return hex(frame);
  const [unit, name] = frame > 0 && frame % (1 << 18) === 0 ? [1 << 18, "GiB"] : [256, "MiB"];
  return `${count(frame / unit)} ${name}`;
}
