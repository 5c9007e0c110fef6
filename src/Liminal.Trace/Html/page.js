// Puts the page together: what the address names is what is shown. #/protocol/direction/platform[/property/run[/step]]

(() => {
  const report = readReport(document.getElementById("report").textContent);
  const main = document.getElementById("main");
  const matrix = new Matrix(report, (key, byKeyboard) => {
    intoPane = byKeyboard;
    location.hash = matrix.marked === key ? "#/" : `#/${key}`;
  });
  const legend = matrix.legend();
  const pane = h("aside", { class: "pane" });
  const workspace = h("div", { class: "workspace" }, matrix.element, pane);
  let timeline = null;
  let scrolled = 0;
  let intoPane = false; // who opens a cell with the keyboard goes on reading in the pane, and Esc leads back

  function route() {
    const parts = addressParts();
    const [protocol, direction, platform, property, run, step] = parts;
    const cell = report.cells.find(c => c.protocol === protocol && c.direction === direction && c.platform === platform) ?? null;
    const target = cell && counterexampleOf(report, cell, property, Number(run));
    if (target) showTimeline(target, Number(step) || 0);
    else showMatrix(cell);
  }

  function showTimeline(target, step) {
    if (timeline === null) scrolled = window.scrollY;
    timeline?.leave();
    timeline = new TimelineView(target, moved => {
      history.replaceState(null, "", `${target.href}/${moved}`);
    });
    fill(main, timeline.element);
    timeline.select(step);
    window.scrollTo(0, 0);
    timeline.list.focus({ preventScroll: true });
    timeline.rows[timeline.step]?.scrollIntoView({ block: "nearest" });
  }

  function showMatrix(cell) {
    const back = timeline !== null;
    timeline?.leave();
    timeline = null;
    const before = matrix.marked;
    matrix.mark(cell === null ? null : addressOf(cell));
    fill(pane, cell === null ? legend : cellDetail(report, cell, () => { location.hash = "#/"; }));
    if (!main.contains(workspace)) fill(main, workspace);
    if (back) window.scrollTo(0, scrolled);
    if (cell === null) focusCell(before);
    else if (back) focusCell(matrix.marked);
    else if (intoPane || window.matchMedia("(max-width: 900px)").matches) pane.querySelector("h2").focus();
    intoPane = false;
    pane.scrollTop = 0;
  }

  function focusCell(key) {
    if (key) [...matrix.grid.querySelectorAll("button")].find(button => button.dataset.cell === key)?.focus({ preventScroll: true });
  }

  document.addEventListener("keydown", event => {
    if (event.key === "Escape" && timeline === null && matrix.marked) location.hash = "#/";
  });
  window.addEventListener("hashchange", route);
  theme();
  about(report, "cells and runs", report.recordedComparison !== null && h("span", { class: "recorded" }, report.recordedComparison));
  document.getElementById("footer").append(
    "A verdict speaks of the protocol as it is written down and of the platform rules as they are modelled, for the region, hosts and settings of its run. ",
    "Every step of a counterexample names the source of its rule.");
  route();
})();
