// The table of all sweeps: what was swept, the verdicts, the longest window and the worst end.

class Summary {
  constructor(report) {
    this.report = report;
    this.element = h("section", { class: "summary", "aria-label": "all conversions" }, this.kernels(), this.table(), comparisonTables(report), failureTables(report), this.notSwept(), this.legend());
  }

  kernels() {
    return h("div", { class: "kernels" }, this.report.kernels.map(kernel => h("p", {},
      h("b", {}, kernel.name), " ", h("span", { class: "source" }, kernel.title, " · sha256 ", h("code", {}, kernel.source)))));
  }

  /** Conversions of a boot that were met and not swept, and why. */
  notSwept() {
    const lines = this.report.notSwept;
    return lines.length > 0 && h("details", { class: "not-swept" }, h("summary", {}, `${plural(lines.length, "conversion")} met and not swept`),
      h("ul", {}, lines.map(line => h("li", {}, line))));
  }

  table() {
    const { report } = this;
    const question = group => JSON.stringify([group.kernel, group.platform, group.direction, this.what(group)]);
    const causes = new Map(); // whether the number of pages and where they come from tell conversions apart
    for (const group of report.groups) causes.set(question(group), (causes.get(question(group)) ?? new Set()).add(group.subject.cause));
    this.withCause = [...causes.values()].some(all => all.size > 1) || report.groups.some(group => group.subject.number !== undefined);
    if (report.groups.length === 0) return h("p", { class: "count" }, "No conversion was swept.");
    const sweeps = report.groups.reduce((sum, group) => sum + group.settings.length, 0);
    const withKernel = report.kernels.length > 1;
    const withSubject = new Set(report.groups.map(group => this.subject(group))).size > 1;
    const properties = report.properties.filter(property => report.groups.some(group =>
      group.verdicts.some(v => v.property === property.name && v.verdict !== "notApplicable")));
    const heading = (text, attributes) => h("th", { scope: "col", ...attributes }, text);
    return [
      h("p", { class: "count" }, `${plural(sweeps, "sweep")}; those that came to the same are one line. A line leads to its timeline, a cross to what happened.`),
      h("div", { class: "scroll" }, h("table", { class: "sweeps", onkeydown: event => this.move(event) },
        h("thead", {}, h("tr", {},
          withKernel && heading("kernel"), heading("conversion"), heading("verdict", { class: "narrow" }), withSubject && heading("of"), heading("hosts and settings", { class: "wide" }),
          properties.map(property => heading(h("span", {}, property.name), { class: "upright", title: property.title })),
          heading("longest window", { class: "number" }), heading("worst end"), heading("instructions", { class: "number" }))),
        h("tbody", {}, report.groups.map(group => this.row(group, properties, withKernel, withSubject))))),
    ];
  }

  row(group, properties, withKernel, withSubject) {
    const { longest, worst } = worstOf(group);
    const { verdict, words } = groupVerdict(group);
    return h("tr", { "data-group": group.href.slice(2), onclick: event => { if (!event.target.closest("a")) location.hash = group.href; } },
      withKernel && h("td", {}, h("code", {}, group.kernel)),
      h("th", { scope: "row" }, h("a", { class: "enter", href: group.href }, h("b", {}, group.platform), ` ${group.direction}`)),
      h("td", { class: `narrow word ${verdict}` }, icon(verdict), " ", words),
      withSubject && h("td", { class: "subject" }, this.subject(group)),
      h("td", { class: "wide" }, groupConditions(this.report, group)),
      properties.map(property => this.verdict(group, property)),
      h("td", { class: "number" }, longest === 0 ? "none" : count(longest)),
      h("td", { class: "worst" }, worst === null ? h("span", { class: "soft" }, longest === 0 ? "no window" : "no load was run") : endBadge(worst)),
      h("td", { class: "number" }, count(group.cost.instructions)));
  }

  verdict(group, property) {
    const found = group.verdicts.find(v => v.property === property.name);
    const verdict = found?.verdict ?? "notExplored";
    const words = `${property.name}: ${Verdicts[verdict].word}${found?.reason ? `: ${found.reason}` : ""}`;
    return h("td", { class: "verdict", title: words }, found?.timeline >= 0
      ? h("a", { class: verdict, href: `${group.href}/${encodeURIComponent(property.name)}`, "aria-label": words }, icon(verdict))
      : [icon(verdict), h("span", { class: "unseen" }, words)]);
  }

  /** What was converted, as long as it takes to tell it from the others. */
  subject(group) {
    return this.withCause ? `${this.what(group)}: ${group.subject.cause}` : this.what(group);
  }

  what(group) {
    const { region, pages, applied, without, number } = group.subject;
    return [number !== undefined && `conversion ${number} of the boot`, `${plural(pages, "page")} of ${region}`, applied && `${applied} applied`, without.length > 0 && `without ${without.join(", ")}`].filter(Boolean).join(", ");
  }

  legend() {
    const said = { holds: "happened at none of the instructions", violated: "was seen to happen", inconclusive: "no verdict; the conversion says why", notApplicable: "the property says nothing here" };
    return h("section", { class: "summary-legend", "aria-label": "legend" },
      h("p", { class: "said" }, Object.entries(said).map(([verdict, text]) => h("span", {}, icon(verdict), ` ${text}`))),
      h("dl", {}, this.report.properties.map(property => [h("dt", {}, h("code", {}, property.name)), h("dd", {}, property.title)])));
  }

  /** Arrow keys, Home and End walk through the lines. */
  move(event) {
    const links = [...this.element.querySelectorAll("a.enter")];
    const here = links.indexOf(event.target.closest("tr")?.querySelector("a.enter"));
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: links.length - 1 }[event.key];
    if (here < 0 || to === undefined) return;
    event.preventDefault();
    links[Math.max(0, Math.min(links.length - 1, to))].focus();
  }
}
