// From instructions to the width of the chart, and back.

/** Pixels at either edge of the chart, so that a mark at the entry or the return is whole. */
const EdgeRoom = 9;

/** The smallest part of the whole that can be zoomed to. */
const NarrowestView = 2e-6;

class Scale {
  /**
   * points: the instructions at which something happens. "events" gives every stretch between two of them room, by the logarithm of its length, so that
   * a short window is seen beside a long one; "instructions" gives every instruction the same room.
   */
  constructor(points, length) {
    this.length = Math.max(1, length);
    this.points = [...new Set([0, ...points.filter(point => point > 0 && point < this.length), this.length])].sort((a, b) => a - b);
    const weights = this.points.slice(1).map((point, i) => 1 + Math.log2(1 + point - this.points[i]));
    const all = weights.reduce((a, b) => a + b, 0);
    let sum = 0;
    this.places = [0, ...weights.map(weight => (sum += weight) / all)];
    this.kind = "events";
    this.from = 0;
    this.to = 1;
    this.width = 1;
  }

  /** Place of an instruction in the whole, 0 to 1. */
  place(at) {
    if (this.kind === "instructions") return at / this.length;
    const i = segmentOf(this.points, at);
    const part = (at - this.points[i]) / (this.points[i + 1] - this.points[i]);
    return this.places[i] + part * (this.places[i + 1] - this.places[i]);
  }

  /** The instruction at a place. */
  at(place) {
    if (this.kind === "instructions") return place * this.length;
    const i = segmentOf(this.places, place);
    const part = (place - this.places[i]) / (this.places[i + 1] - this.places[i]);
    return this.points[i] + part * (this.points[i + 1] - this.points[i]);
  }

  /** Pixels from the left edge of the chart. */
  x(at) {
    return EdgeRoom + (this.place(at) - this.from) / (this.to - this.from) * this.room;
  }

  /** Pixels between the edges. */
  get room() {
    return Math.max(1, this.width - 2 * EdgeRoom);
  }

  /** The view made narrower or wider by a factor, around a place of the chart (0 to 1 of its width). */
  zoom(factor, around = .5) {
    const span = Math.min(1, Math.max(NarrowestView, (this.to - this.from) / factor));
    const fixed = this.from + around * (this.to - this.from);
    this.show(fixed - around * span, fixed - around * span + span);
  }

  pan(part) {
    const by = part * (this.to - this.from);
    this.show(this.from + by, this.to + by);
  }

  /** Shows a part of the whole, moved inside when it reaches over an edge. */
  show(from, to) {
    const span = Math.min(1, to - from);
    this.from = Math.max(0, Math.min(1 - span, from));
    this.to = this.from + span;
  }

  /** Shows two instructions and some room beside them. */
  frame(first, last) {
    const from = this.place(first);
    const to = this.place(last);
    const room = Math.max((to - from) * .25, NarrowestView);
    this.show(from - room, to + room);
  }

  /** Moves the view if it must be moved to see an instruction. */
  reveal(at) {
    const place = this.place(at);
    const span = this.to - this.from;
    if (place < this.from || place > this.to) this.show(place - span / 2, place + span / 2);
  }

  get isWhole() {
    return this.from === 0 && this.to === 1;
  }

  /** The instructions to write below the chart, with at least so many pixels between them. */
  ticks(room) {
    const many = Math.max(2, Math.floor(this.room / room));
    const span = this.to - this.from;
    const ticks = [];
    if (this.kind === "instructions") {
      const first = this.at(this.from);
      const rough = span * this.length / many;
      const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
      const step = Math.max(1, [1, 2, 5, 10].map(n => n * power).find(n => n >= rough) ?? 10 * power);
      for (let at = Math.ceil(first / step) * step; at <= this.at(this.to) + .5; at += step) ticks.push(at);
      return ticks;
    }
    for (let i = 0; i <= many; i++) {
      const exact = this.at(this.from + span * i / many);
      const nearest = this.points[segmentOf(this.points, exact)];
      const at = Math.abs(this.x(nearest) - this.x(exact)) < room / 3 ? nearest : Math.round(exact);
      if (ticks.length === 0 || this.x(at) - this.x(ticks.at(-1)) >= room * .7) ticks.push(at);
    }
    return ticks;
  }
}

/** The i for which values[i] <= value <= values[i + 1]; the values ascend. */
function segmentOf(values, value) {
  let low = 0;
  let high = values.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
