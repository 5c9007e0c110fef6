// The report: what PageData.cs packed, unpacked on demand; and what a cell says in a word.

function readReport(json) {
  const packed = JSON.parse(json);
  const { text, texts, list, verdict, timeline, entries } = unpack(packed);

  const run = ([host, switches, failures, region, states, transitions, diameter, seconds, verdicts]) => ({
    host: text(host), switches: texts(switches), failures: failures === 1, region: text(region),
    states, transitions, diameter, seconds, verdicts: list(verdicts).map(verdict),
  });

  return {
    ...packed,
    protocols: entries(packed.protocols), platforms: entries(packed.platforms),
    properties: entries(packed.properties), hosts: entries(packed.hosts),
    cells: packed.cells.map(([protocol, direction, platform, applicable, whyNot, runs]) => ({
      protocol: text(protocol), direction: text(direction), platform: text(platform),
      applicable: applicable === 1, whyNot: text(whyNot), runs: runs.map(run),
    })),
    timeline,
  };
}

/** The verdicts of some runs in one word, and how many properties are violated in any of them; as CellSummary.cs has it. */
function summarise(cell, runs, properties) {
  if (!cell.applicable) return { verdict: "notApplicable", violated: 0 };
  const judged = runs.map(run => run.verdicts.filter(v => properties.has(v.property))).filter(list => list.length > 0);
  if (judged.length === 0) return { verdict: "notExplored", violated: 0 };
  const has = (list, verdict) => list.some(v => v.verdict === verdict);
  const bad = judged.filter(list => has(list, "violated")).length;
  const violated = new Set(judged.flat().filter(v => v.verdict === "violated").map(v => v.property)).size;
  if (bad === judged.length) return { verdict: "violated", violated };
  if (bad > 0) return { verdict: "depends", violated };
  if (judged.some(list => has(list, "inconclusive"))) return { verdict: "inconclusive", violated };
  return { verdict: judged.some(list => has(list, "holds")) ? "holds" : "notApplicable", violated };
}

/** The summary in words: for titles, for readers that do not see, and for tests. */
function inWords({ verdict, violated }) {
  const word = Verdicts[verdict].word;
  if (verdict === "violated") return `${word}: ${plural(violated, "property", "properties")}`;
  if (verdict === "depends") return `${word} on the host or a setting: ${plural(violated, "property", "properties")} violated under some`;
  return word;
}
