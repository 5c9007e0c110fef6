// What ReportPool.cs packed: texts and lists by number, unpacked on demand.

const LaneKinds = ["converter", "cpu", "host", "page", "user"];
const Tones = ["normal", "notable", "violation"];
const VerdictNames = ["holds", "violated", "inconclusive", "notApplicable"];

function unpack(packed) {
  const text = number => number < 0 ? null : packed.texts[number];
  const list = number => packed.lists[number];
  const texts = number => list(number).map(text);
  const table = number => {
    const [title, columns, ...rows] = list(number);
    return { title: text(title), columns: texts(columns), rows: rows.map(texts).map(([name, ...cells]) => ({ name, cells })) };
  };
  const step = number => {
    const [place, lane, title, detail, source, tone, tables] = list(number);
    return {
      number: place, lane: text(lane), title: text(title), detail: text(detail), source: text(source),
      tone: Tones[tone], tables: list(tables).map(table),
    };
  };
  const lane = number => {
    const [id, title, kind] = list(number);
    return { id: text(id), title: text(title), kind: LaneKinds[kind] };
  };
  const verdict = number => {
    const [property, value, reason, timeline] = list(number);
    return { property: text(property), verdict: VerdictNames[value], reason: text(reason), timeline };
  };
  const timeline = number => {
    const [title, conclusion, lanes, steps] = list(number);
    return { title: text(title), conclusion: text(conclusion), lanes: list(lanes).map(lane), steps: list(steps).map(step) };
  };
  const entries = all => all.map(([name, title, source]) => ({ name, title, source }));
  return { text, list, texts, lane, verdict, timeline, entries };
}
