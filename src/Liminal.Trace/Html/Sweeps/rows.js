// The rows of the chart: a processor or the host each, and pages. Pages that are in the same windows share a row until it is unfolded.

const PlainRow = 34;
const TrackHeight = 16;
const PageMarks = 26;

class Rows {
  constructor(group, events) {
    this.group = group;
    this.events = events;
    this.folds = group.folds();
    this.unfolded = new Set();
    this.pageSets = new Map(); // equal lists of pages are one list in the report: each becomes a set once
  }

  /** The rows from top to bottom, with their places. */
  all() {
    const rows = this.group.lanes.filter(lane => lane.kind !== "page").map(lane => ({
      key: lane.id, title: lane.title, look: lane.kind, height: PlainRow, windows: [], holds: event => event.lane === lane.id,
    }));
    const known = new Set(rows.map(row => row.key));
    const others = [...new Set(this.events.filter(event => !known.has(event.lane) && event.pages.length === 0).map(event => event.lane))];
    rows.push(...others.map(lane => ({ key: lane, title: lane, look: "user", height: PlainRow, windows: [], holds: event => event.lane === lane })));
    this.folds.forEach((fold, i) => {
      const many = fold.pages.length > 1;
      const open = many && this.unfolded.has(i);
      const shared = { look: "page", height: fold.trackCount * TrackHeight + PageMarks, windows: fold.windows };
      if (open) rows.push({ ...shared, key: `fold ${i}`, title: fold.title, fold: i, isOpen: true, height: 24, windows: [], holds: () => false });
      else rows.push({ ...shared, key: `fold ${i}`, title: fold.title, fold: many ? i : null, isOpen: false, holds: this.concerns(fold.pages) });
      if (open) rows.push(...fold.pages.map(page => ({ ...shared, key: `page ${page}`, title: `page ${page}`, fold: null, isInner: true, holds: this.concerns([page]) })));
    });
    let top = 0;
    for (const row of rows) {
      row.top = top;
      top += row.height;
    }
    return rows;
  }

  /** Whether an event concerns one of these pages. */
  concerns(pages) {
    const wanted = new Set(pages);
    const answers = new Map();
    return event => {
      if (!answers.has(event.pages)) answers.set(event.pages, pages.length === 1 ? this.setOf(event.pages).has(pages[0]) : event.pages.some(page => wanted.has(page)));
      return answers.get(event.pages);
    };
  }

  setOf(pages) {
    if (!this.pageSets.has(pages)) this.pageSets.set(pages, new Set(pages));
    return this.pageSets.get(pages);
  }

  toggle(fold) {
    this.unfolded.has(fold) ? this.unfolded.delete(fold) : this.unfolded.add(fold);
  }
}
