// What the conversion cost: counts, and where the instructions went.

function costOf(group) {
  const { cost, subject } = group;
  const perPage = cost.pteStores / Math.max(1, subject.pages);
  const rows = [
    ["instructions of the converting processor", cost.instructions], ["instructions of the others meanwhile, idle ones not counted", cost.otherInstructions],
    [`PTE stores (${perPage.toFixed(perPage < 10 ? 1 : 0)} a page)`, cost.pteStores], ["flush requests to other processors", cost.flushRequests], ["TLB flushes carried out", cost.tlbFlushes],
    ["cache lines or caches flushed", cost.cacheFlushes], ["guest operations", cost.guestOperations], ["host calls", cost.hostCalls],
  ];
  const all = cost.phases.reduce((sum, [, number]) => sum + number, 0);
  return h("section", { class: "cost", "aria-label": "cost" }, h("h3", {}, "Cost"),
    h("div", { class: "cost-tables" },
      h("table", { class: "counts" }, h("tbody", {}, rows.map(([words, number]) => h("tr", {}, h("th", { scope: "row" }, words), h("td", { class: "number" }, count(number)))))),
      cost.phases.length > 0 && h("table", { class: "phases" },
        h("caption", {}, "Instructions by phase"),
        h("tbody", {}, cost.phases.map(([name, number]) => {
          const share = all === 0 ? 0 : number / all * 100;
          return h("tr", {}, h("th", { scope: "row" }, h("code", {}, name)), h("td", { class: "number" }, count(number)), h("td", { class: "number" }, `${share.toFixed(1)} %`),
            h("td", { class: "share" }, s("svg", { width: 100, height: 8, "aria-hidden": "true" }, s("rect", { class: "whole", width: 100, height: 8, rx: 2 }), s("rect", { class: "part", width: share, height: 8, rx: 2 }))));
        })))));
}
