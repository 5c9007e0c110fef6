// Under which hosts and settings something is so: the runs of a cell as points, a set of them in as few words as possible.

/** The settings of a run: the host, each switch, the path. */
function settingsOf(run) {
  return new Map([
    ["host", run.host],
    ...run.switches.map(text => {
      const at = text.indexOf("=");
      return at < 0 ? [text, "yes"] : [text.slice(0, at), text.slice(at + 1)];
    }),
    ["path", run.failures ? "with failures" : "success path"],
    ["region", run.region],
  ]);
}

/**
 * Says which of all runs the chosen ones are. A setting that makes no difference is left out: whichever value it has, the run
 * is chosen or not as the other settings say.
 * Returns [] when all are chosen, otherwise a list of lists of {name, value}.
 */
function describe(chosen, all) {
  const points = all.map(settingsOf);
  const isChosen = all.map(run => chosen.includes(run));
  const names = [...new Set(points.flatMap(point => [...point.keys()]))];
  let needed = names.filter(name => new Set(points.map(point => point.get(name))).size > 1);
  for (const name of [...needed].reverse()) { // the host last: where it explains as much as a switch does, people ask for the host
    const without = needed.filter(other => other !== name);
    if (decides(without, points, isChosen)) needed = without;
  }

  const seen = new Map();
  points.forEach((point, i) => {
    if (isChosen[i]) seen.set(keyOf(point, needed), needed.filter(name => point.has(name)).map(name => ({ name, value: point.get(name) })));
  });
  return needed.length === 0 ? [] : [...seen.values()];
}

/** Whether runs that agree in these settings are all chosen, or all not. */
function decides(names, points, isChosen) {
  const answers = new Map();
  return points.every((point, i) => {
    const key = keyOf(point, names);
    if (!answers.has(key)) answers.set(key, isChosen[i]);
    return answers.get(key) === isChosen[i];
  });
}

function keyOf(point, names) {
  return JSON.stringify(names.map(name => point.get(name) ?? null));
}

/** The conditions as small labels; word is what one of all is called. */
function conditionLabels(chosen, all, word = "run") {
  const alternatives = describe(chosen, all);
  if (alternatives.length === 0) return h("span", { class: "conditions" }, all.length === 1 ? `in the only ${word}` : `in all ${all.length} ${word}s`);
  const merged = mergeLast(alternatives);
  return h("span", { class: "conditions" }, "under ", merged.map((settings, i) => [
    i > 0 && h("span", { class: "or" }, "or"),
    h("span", { class: "condition" }, settings.map(({ name, value }) =>
      h("code", {}, name === "host" || name === "path" || name === "region" ? value : `${name}=${value}`))),
  ]));
}

/** Alternatives that differ in the host alone become one: "cooperative, retry". */
function mergeLast(alternatives) {
  const groups = new Map();
  for (const settings of alternatives) {
    const rest = settings.filter(setting => setting.name !== "host");
    const host = settings.find(setting => setting.name === "host");
    const key = JSON.stringify([host !== undefined, rest]);
    if (!groups.has(key)) groups.set(key, { hosts: [], rest });
    if (host) groups.get(key).hosts.push(host.value);
  }
  return [...groups.values()].map(({ hosts, rest }) =>
    hosts.length > 0 ? [{ name: "host", value: hosts.join(", ") }, ...rest] : rest);
}
