// What is behind a row: who asked for a conversion, what it asked of the host, and what became of the pages.

function conversionDetail(census, index, close) {
  const conversion = census.conversions[index];
  return h("section", { class: "detail", "aria-label": "the chosen conversion" },
    h("header", {},
      h("h2", { tabindex: "-1" }, h("code", {}, conversion.function), h("span", { class: "sub" }, `conversion ${index + 1}, to ${conversion.direction}`)),
      h("button", { type: "button", class: "plain close", "aria-label": "close the detail pane", onclick: close }, "close")),
    !conversion.isKnown && h("p", { class: "reason" }, "No conversion function that Liminal knows was active: these changes are told under the function that executed them."),
    h("dl", { class: "facts" },
      fact("entered", `${count(conversion.instruction)} on CPU ${conversion.cpu}`),
      fact("returned", conversion.returned === null ? "not yet" : `${count(conversion.returned)}, ${plural(conversion.returned - conversion.instruction, "instruction")} later`),
      conversion.address !== null && fact("address", conversion.address),
      fact("pages", count(conversion.pages)),
      fact("frames", framesText(conversion.frames)),
      fact("result", conversion.result ?? "it returns none")),
    h("h3", {}, "Who asked"),
    conversion.stack.length === 0 ? h("p", {}, "The stack could not be read.") : h("ol", { class: "stack" }, conversion.stack.map(frame => h("li", {}, h("code", {}, frame)))),
    conversion.hostCalls.length > 0 && [h("h3", {}, "Host calls"), h("ul", { class: "plain-list" }, conversion.hostCalls.map(call => h("li", { class: call.status === "Done" && !call.hasStruck ? null : "violated" },
      `${call.count === 1 ? "" : `${count(call.count)} calls: `}${call.call} for ${plural(call.pages, "page")} from ${hex(call.first)}: ${call.status}`,
      call.done !== call.pages && ` after ${count(call.done)}`, call.hasStruck && ", the host did not do what it should have")))],
    conversion.operations.length > 0 && [h("h3", {}, "Guest instructions on pages"), h("ul", { class: "plain-list" }, conversion.operations.map(one => h("li", {}, `${count(one.count)} × ${one.operation}: ${one.status}`)))],
    conversion.changes.length > 0 && [h("h3", {}, "What became of the pages"), h("ul", { class: "plain-list" }, changeSums(conversion.changes).map(([from, to, pages]) => h("li", {}, `${plural(pages, "page")} from ${from} to ${to}`)))]);
}

function fact(name, value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}

function framesText(runs) {
  if (runs.length === 0) return "not mapped";
  const shown = runs.slice(0, 6).map(run => run.pages === 1 ? hex(run.first) : `${hex(run.first)} to ${hex(run.first + run.pages - 1)}`);
  return shown.join(", ") + (runs.length > 6 ? ` and ${runs.length - 6} more runs` : "");
}

function changeSums(changes) {
  const sums = new Map();
  for (const { from, to, pages } of changes) {
    const key = JSON.stringify([from, to]);
    sums.set(key, (sums.get(key) ?? 0) + pages);
  }
  return [...sums].map(([key, pages]) => [...JSON.parse(key), pages]);
}
