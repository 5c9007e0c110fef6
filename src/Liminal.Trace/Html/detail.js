// What is behind a cell: the properties, under which hosts and settings they are violated, and the state spaces.

function cellDetail(report, cell, close) {
  const protocol = report.protocols.find(p => p.name === cell.protocol);
  const platform = report.platforms.find(p => p.name === cell.platform);
  return h("section", { class: "detail", "aria-label": "the chosen cell" },
    h("header", {},
      h("h2", { tabindex: "-1" }, h("code", {}, cell.protocol), h("span", { class: "sub" }, `${cell.direction} on `, h("code", {}, cell.platform))),
      h("button", { type: "button", class: "plain close", "aria-label": "close the detail pane", onclick: close }, "close")),
    h("p", { class: "title" }, protocol?.title, platform && ` · ${platform.title}`),
    protocol?.source && h("p", { class: "source" }, protocol.source),
    cell.applicable ? cellVerdicts(report, cell) : h("p", { class: "reason" }, "Not applicable: ", cell.whyNot ?? "no reason is given"),
    cell.applicable && cell.runs.length > 0 && runTable(report, cell));
}

function cellVerdicts(report, cell) {
  if (cell.runs.length === 0) return h("p", { class: "reason" }, "Nothing was explored: the run was interrupted before this cell.");
  const loud = [];
  const quiet = { holds: [], notApplicable: [] };
  for (const property of report.properties) {
    const judged = cell.runs.map((run, index) => ({ run, index, verdict: run.verdicts.find(v => v.property === property.name) })).filter(j => j.verdict);
    if (judged.length === 0) continue;
    const all = judged.map(j => j.run);
    const { verdict } = summarise(cell, all, new Set([property.name]));
    if (quiet[verdict]) quiet[verdict].push({ property, reason: judged.find(j => j.verdict.reason)?.verdict.reason });
    else loud.push(loudProperty(cell, property, verdict, judged, all));
  }
  return [
    h("ul", { class: "loud" }, loud),
    quiet.holds.length > 0 && h("div", { class: "quiet" }, h("h3", {}, icon("holds"), "holds in every run"),
      h("ul", {}, quiet.holds.map(({ property }) => h("li", { title: property.title }, h("code", {}, property.name))))),
    quiet.notApplicable.length > 0 && h("div", { class: "quiet" }, h("h3", {}, icon("notApplicable"), "not applicable"),
      h("ul", {}, quiet.notApplicable.map(({ property, reason }) => h("li", { title: property.title }, h("code", {}, property.name), reason && `: ${reason}`)))),
  ];
}

/** A property that does not simply hold: each reason with the runs that it belongs to, and their counterexamples. */
function loudProperty(cell, property, verdict, judged, all) {
  const endings = groupBy(judged.filter(j => ["violated", "inconclusive"].includes(j.verdict.verdict)), j => JSON.stringify([j.verdict.verdict, j.verdict.reason]));
  return h("li", { "data-property": property.name },
    h("h3", {}, icon(verdict), h("code", {}, property.name), h("span", { class: `word ${verdict}` }, Verdicts[verdict].word)),
    h("p", { class: "sentence" }, property.title),
    endings.map(ending => {
      const { verdict: word, reason } = ending[0].verdict;
      const counterexamples = groupBy(ending.filter(j => j.verdict.timeline >= 0), j => j.verdict.timeline);
      const runs = ending.map(j => j.run);
      return h("div", { class: `ending ${word}` },
        h("p", {}, reason ?? Verdicts[word].word),
        h("p", { class: "when" }, word === "inconclusive" ? "inconclusive " : "", conditionLabels(runs, all)),
        h("ul", { class: "ways" }, counterexamples.map(way => h("li", {},
          h("a", { class: "follow", href: `#/${addressOf(cell)}/${encodeURIComponent(property.name)}/${way[0].index}` }, "shortest counterexample"),
          counterexamples.length > 1 && [" ", conditionLabels(way.map(j => j.run), runs)]))));
    }));
}

function runTable(report, cell) {
  const states = cell.runs.reduce((sum, run) => sum + run.states, 0);
  const number = value => h("td", { class: "number" }, value.toLocaleString("en"));
  return h("details", { class: "runs" }, h("summary", {}, `${plural(cell.runs.length, "run")}, ${plural(states, "state")}`),
    h("div", { class: "scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ["host", "settings", "path", "region", "states", "transitions", "diameter", "seconds"].map(title => h("th", { scope: "col" }, title)))),
      h("tbody", {}, cell.runs.map(run => h("tr", {},
        h("td", { title: report.hosts.find(host => host.name === run.host)?.title }, h("code", {}, run.host)),
        h("td", {}, run.switches.map(text => h("code", { class: "block" }, text))),
        h("td", {}, run.failures ? "with failures" : "success"),
        h("td", {}, run.region), number(run.states), number(run.transitions), number(run.diameter), h("td", { class: "number" }, run.seconds.toFixed(3))))))));
}

/** The part of a permalink that names a cell. */
function addressOf(cell) {
  return [cell.protocol, cell.direction, cell.platform].map(encodeURIComponent).join("/");
}
