// What is left of the pages when something goes wrong in a conversion, and what its callers do with them.

function failureTables(report) {
  const { failures, failuresNotTried } = report;
  if (failures.length + failuresNotTried.length === 0) return null;
  const heading = text => h("th", { scope: "col" }, text);
  return h("section", { class: "comparisons failures", "aria-label": "failures" }, h("h2", {}, "When a call or an allocation fails"),
    failures.map(({ kernel, platform, direction, caller, rows }) => h("div", { class: "scroll" }, h("table", { class: "comparison" },
      h("caption", {}, h("b", {}, platform), ` ${direction}, in `, h("code", {}, caller), report.kernels.length > 1 && ` of ${kernel}`),
      h("thead", {}, h("tr", {}, ["FailureLeavesNothingUsable", "what fails", "where", "it returned", "the caller", "pages afterwards"].map(heading))),
      h("tbody", {}, rows.map(row => h("tr", {},
        h("td", { class: row.verdict, title: row.reason }, icon(row.verdict), " ", Verdicts[row.verdict].word),
        h("th", { scope: "row" }, row.fault), h("td", {}, row.places), h("td", {}, h("code", {}, row.result)), h("td", {}, row.fate),
        h("td", {}, row.pages.map((text, i) => [i > 0 && h("br"), text]), row.ended && [row.pages.length > 0 && h("br"), row.ended]))))))),
    failuresNotTried.length > 0 && h("details", { class: "not-swept" }, h("summary", {}, `${plural(failuresNotTried.length, "failure")} not tried`),
      h("ul", {}, failuresNotTried.map(line => h("li", {}, line)))));
}
