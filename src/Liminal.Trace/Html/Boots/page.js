// The page of a boot: the map, every conversion, the pages that are shared now. #/conversion/N chooses one.

(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const census = report.census;
  const pane = h("aside", { class: "pane" });
  const map = new MemoryMap(census, choose);
  const rows = census.conversions.map((conversion, index) => conversionRow(conversion, index));

  function choose(index) {
    location.hash = index < 0 ? "#/" : `#/conversion/${index + 1}`;
  }

  function route() {
    const number = Number(/^#\/conversion\/(\d+)$/.exec(location.hash)?.[1] ?? 0);
    const index = number >= 1 && number <= census.conversions.length ? number - 1 : -1;
    rows.forEach((row, at) => row.classList.toggle("marked", at === index));
    map.show(index);
    fill(pane, index < 0 ? legend() : conversionDetail(census, index, () => choose(-1)));
    pane.scrollTop = 0;
  }

  function conversionRow(conversion, index) {
    const caller = conversion.stack[0] ?? "";
    return h("tr", { "data-conversion": index + 1 },
      h("td", { class: "number" }, index + 1),
      h("td", { class: "number" }, count(conversion.instruction)),
      h("td", { class: "number" }, conversion.cpu),
      h("td", { class: "wrap" }, h("button", { type: "button", class: "link", onclick: () => choose(index) }, h("code", {}, conversion.function)), !conversion.isKnown && h("span", { class: "depends" }, " (no known conversion)")),
      h("td", { class: "wrap" }, h("code", { title: conversion.stack.join("\n") }, withoutOffset(caller))),
      h("td", {}, conversion.address !== null && h("code", {}, conversion.address)),
      h("td", { class: "number" }, count(conversion.pages)),
      h("td", {}, h("i", { class: `swatch ${conversion.direction}` }), conversion.direction),
      h("td", { class: "number" }, count(conversion.hostCalls.reduce((sum, call) => sum + call.count, 0))),
      h("td", { class: conversion.result === null || conversion.result === "0" ? null : "violated" }, conversion.returned === null ? "has not returned" : conversion.result ?? "–"));
  }

  function sharedRow(run) {
    const conversion = census.conversions[run.conversion];
    return h("tr", {},
      h("td", {}, h("code", {}, run.pages === 1 ? hex(run.first) : `${hex(run.first)} – ${hex(run.first + run.pages - 1)}`)),
      h("td", { class: "number" }, count(run.pages)),
      h("td", {}, h("i", { class: `swatch ${run.side}` }), run.state),
      h("td", { class: "wrap" }, conversion
        ? [h("a", { href: `#/conversion/${run.conversion + 1}` }, `conversion ${run.conversion + 1}`), " ", h("code", {}, conversion.function), ", for ", h("code", {}, conversion.stack.slice(conversion.isKnown ? 0 : 1, 4).map(withoutOffset).join(" < "))]
        : "from the start: the platform's own"));
  }

  function table(caption, heads, body, empty) {
    return h("section", { class: "boot-table" }, h("h2", {}, caption),
      body.length === 0 ? h("p", { class: "count" }, empty) : h("div", { class: "scroll" }, h("table", {},
        h("thead", {}, h("tr", {}, heads.map(([name, isNumber]) => h("th", { scope: "col", class: isNumber ? "number" : null }, name)))), h("tbody", {}, body))));
  }

  function legend() {
    const shared = census.shared.filter(run => run.side === "shared").reduce((sum, run) => sum + run.pages, 0);
    const between = census.shared.filter(run => run.side === "between").reduce((sum, run) => sum + run.pages, 0);
    return h("section", { class: "legend" },
      h("h2", {}, "This boot"),
      h("dl", { class: "facts" },
        fact("kernel", report.kernel), fact("guest of", report.platformTitle), fact("host", report.host), fact("processors", report.processors),
        fact("memory", `${count(report.memoryBytes / 1048576)} MiB`), fact("instructions", count(census.instructions)), fact("ended", report.ended),
        fact("conversions", count(census.conversions.length)), fact("shared now", plural(shared, "page")), between > 0 && fact("neither", plural(between, "page"))),
      h("p", {}, census.heldBy === "platform"
        ? "A page is shared or private here as the host side holds it."
        : "The host side of this platform holds nothing for a page: a page is shared here when the guest has converted it so."),
      h("p", {}, "A row of the table, or a mark above the picture, shows one conversion closely: its pages, its time, and who asked for it. Esc leads back."));
  }

  about(report, "");
  if (census.problem !== null) document.getElementById("main").before(h("p", { class: "banner", role: "alert" }, census.problem));
  document.getElementById("footer").append(
    "Times are instructions that all processors of the machine had retired. A conversion is the outermost conversion function that was entered; what changed a page ",
    "outside of any is told under the function that executed it.");
  fill(document.getElementById("main"), h("div", { class: "workspace" }, h("div", { class: "boot" },
    map.element,
    table("Conversions", [["", true], ["instruction", true], ["CPU", true], ["function"], ["for"], ["address"], ["pages", true], ["to"], ["host calls", true], ["result"]], rows, "The kernel converted no page."),
    table("Pages that are not private now", [["frames"], ["pages", true], ["state"], ["asked for by"]], census.shared.map(sharedRow), "Every page is private.")), pane));
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") choose(-1);
  });
  window.addEventListener("hashchange", route);
  theme();
  route();
})();

function withoutOffset(frame) {
  return frame.split("+")[0];
}
