// What the same conversion costs in several kernels, or with and without an experiment.

function comparisonTables(report) {
  const told = report.comparisons.filter(comparison => comparison.rows.length > 1);
  if (told.length === 0) return null;
  const columns = [["instructions", row => row.cost.instructions], ["PTE stores a page", row => row.pteStoresPerPage.toFixed(row.pteStoresPerPage < 10 ? 1 : 0)],
    ["flush requests", row => row.cost.flushRequests], ["TLB flushes", row => row.cost.tlbFlushes], ["cache flushes", row => row.cost.cacheFlushes],
    ["guest operations", row => row.cost.guestOperations], ["host calls", row => row.cost.hostCalls]];
  const shown = value => typeof value === "number" ? count(value) : value;
  return h("section", { class: "comparisons", "aria-label": "costs compared" }, h("h2", {}, "Costs compared"), told.map(comparison =>
    h("div", { class: "scroll" }, h("table", { class: "comparison" },
      h("caption", {}, h("b", {}, comparison.platform), ` ${comparison.direction}, ${plural(comparison.pages, "page")} of ${comparison.region}`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "kernel"), columns.map(([title]) => h("th", { scope: "col", class: "number" }, title)))),
      h("tbody", {}, comparison.rows.map(row => h("tr", {},
        h("th", { scope: "row" }, row.kernel, row.applied && [" with ", h("code", {}, row.applied)], row.without.map(name => [" without ", h("code", {}, name)]), h("span", { class: "soft" }, ` · ${row.host}`)),
        columns.map(([, value]) => h("td", { class: "number" }, shown(value(row)))))))))));
}
