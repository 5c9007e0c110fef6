// The report: what SweepPageData.cs packed, unpacked when it is looked at. Instructions count from the entry of the conversion.

function readSweeps(json) {
  const packed = JSON.parse(json);
  const { text, texts, list, lane, verdict, timeline, entries } = unpack(packed);

  const event = (number, index, names) => {
    const [at, cpu, kind, where, title, detail, pages, symbol, disassembly, stack, tone] = list(number);
    return {
      index, at, cpu, kind: text(kind), lane: text(where), who: names.get(text(where)) ?? text(where), title: text(title), detail: text(detail), pages: list(pages),
      symbol: text(symbol), disassembly: text(disassembly), stack: texts(stack), tone: Tones[tone],
    };
  };
  const run = number => {
    const [at, cpu, page, mapping, site, end, detail, length, stack, lines] = list(number);
    return { at, cpu, page, mapping: text(mapping), site: text(site), end: text(end), detail: text(detail), length, stack: texts(stack), console: texts(lines) };
  };
  const window = (number, index) => {
    const [first, last, pages, mappings, translation, meets, states, end, conclusion, opened, closed, ...runs] = list(number);
    return {
      index, first, last, length: last - first + 1, pages: list(pages), mappings: texts(mappings), translation: text(translation), meets: text(meets),
      states: texts(states), end: text(end), conclusion: text(conclusion), opened, closed, runs: runs.map(run),
    };
  };
  const fold = number => {
    const [title, pages, windows, tracks, trackCount] = list(number);
    return { title: text(title), pages: list(pages), windows: list(windows).map((index, i) => ({ index, track: list(tracks)[i] })), trackCount };
  };

  const seen = new Map(); // how often a platform and direction have come up, for addresses
  const groups = packed.groups.map(group => {
    const place = [group.platform, group.direction].map(encodeURIComponent).join("/");
    seen.set(place, (seen.get(place) ?? 0) + 1);
    const lanes = list(group.lanes).map(lane);
    const names = new Map(lanes.map(one => [one.id, one.title]));
    return {
      ...group,
      href: `#/${place}/${seen.get(place)}`, number: String(seen.get(place)),
      settings: group.settings.map(([host, switches, seconds]) => ({ host: text(host), switches: texts(switches), seconds, failures: false, region: "" })),
      lanes, verdicts: list(group.verdicts).map(verdict),
      windows: list(group.windows).map(window),
      eventCount: list(group.events).length,
      /** Unpacked anew by each view that shows them. */
      events: () => list(group.events).map((number, index) => event(number, index, names)),
      folds: () => list(group.folds).map(fold),
    };
  });

  return {
    ...packed, groups, timeline,
    kernels: entries(packed.kernels), platforms: entries(packed.platforms), properties: entries(packed.properties), hosts: entries(packed.hosts),
  };
}

/** The groups that answer the same question under other hosts and settings. */
function alternatives(report, group) {
  const question = g => JSON.stringify([g.kernel, g.platform, g.direction, g.subject]);
  return report.groups.filter(other => question(other) === question(group));
}

/** Under which hosts and settings a group is so. */
function groupConditions(report, group) {
  return conditionLabels(group.settings, alternatives(report, group).flatMap(other => other.settings), "sweep");
}

/** "pages 0 to 15" in as few words as possible. */
function pageNames(pages) {
  if (pages.length === 0) return "no page";
  const ranges = [];
  for (const page of pages) {
    const open = ranges.at(-1);
    if (open && page === open[1] + 1) open[1] = page;
    else ranges.push([page, page]);
  }
  const shown = ranges.slice(0, 4).map(([from, to]) => from === to ? `${from}` : `${from} to ${to}`);
  return `${pages.length === 1 ? "page" : "pages"} ${shown.join(", ")}${ranges.length > 4 ? " and more" : ""}`;
}

/** The verdicts of a group in a few words. */
function groupVerdict(group) {
  const has = verdict => group.verdicts.filter(v => v.verdict === verdict);
  const violated = has("violated");
  if (violated.length > 0) return { verdict: "violated", words: `${violated.length} violated` };
  const open = has("inconclusive");
  if (open.length > 0) return { verdict: "inconclusive", words: `${open.length} without a verdict` };
  return has("holds").length > 0 ? { verdict: "holds", words: "holds" } : { verdict: "notApplicable", words: "not applicable" };
}

/** The longest window and the worst end of a load that was run, as SweepSummary.cs has it. */
function worstOf(group) {
  const counted = group.windows.filter(window => window.translation !== "Cached" || (window.runs.length > 0 && window.end !== "Completed"));
  const longest = Math.max(0, ...counted.map(window => window.length));
  const tried = counted.filter(window => window.runs.length > 0);
  const worst = tried.reduce((end, window) => end === null || rankOf(window.end) > rankOf(end) ? window.end : end, null);
  return { longest, worst };
}
