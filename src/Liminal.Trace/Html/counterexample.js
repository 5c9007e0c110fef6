// A counterexample of a cell, as the timeline view wants it.

/** Null when the run has no counterexample to the property. */
function counterexampleOf(report, cell, property, index) {
  const run = cell.runs[index];
  const number = run?.verdicts.find(v => v.property === property)?.timeline ?? -1;
  if (number < 0) return null;
  const hrefOf = (name, place) => `#/${addressOf(cell)}/${encodeURIComponent(name)}/${place}`;
  const others = new Map();
  cell.runs.forEach((other, place) => other.verdicts.forEach(v => {
    const key = `${v.property} ${v.timeline}`;
    if (v.timeline >= 0 && !others.has(key)) {
      others.set(key, {
        href: hrefOf(v.property, place), isChosen: v.property === property && v.timeline === number,
        title: `${v.property} · ${other.host}${other.failures ? " · with failures" : ""}`,
      });
    }
  }));
  return {
    timeline: report.timeline(number), href: hrefOf(property, index), back: { href: `#/${addressOf(cell)}`, title: "matrix" },
    property, sentence: report.properties.find(p => p.name === property)?.title,
    subject: [h("code", {}, cell.protocol), ` ${cell.direction} on `, h("code", {}, cell.platform)],
    run: ["host ", h("code", {}, run.host), run.switches.map(text => [" · ", h("code", {}, text)]),
      run.failures ? " · with failures" : " · success path", ` · ${run.region}`],
    others: [...others.values()], place: "cell", sourceName: "Source",
  };
}
