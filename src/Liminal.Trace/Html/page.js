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
    const parts = location.hash.replace(/^#\/?/, "").split("/").filter(part => part !== "").map(part => {
      try { return decodeURIComponent(part); } catch { return part; }
    });
    const [protocol, direction, platform, property, run, step] = parts;
    const cell = report.cells.find(c => c.protocol === protocol && c.direction === direction && c.platform === platform) ?? null;
    const number = cell?.runs[Number(run)]?.verdicts.find(v => v.property === property)?.timeline ?? -1;
    if (number >= 0) showTimeline({ cell, property, run: cell.runs[Number(run)], number, index: Number(run) }, Number(step) || 0);
    else showMatrix(cell);
  }

  function showTimeline(target, step) {
    if (timeline === null) scrolled = window.scrollY;
    timeline?.leave();
    timeline = new TimelineView(report, target, moved => {
      history.replaceState(null, "", `#/${addressOf(target.cell)}/${encodeURIComponent(target.property)}/${target.index}/${moved}`);
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

  function about() {
    const parts = [h("code", {}, report.commandLine), h("span", {}, `version ${report.version}`)];
    if (report.recordedComparison !== null) parts.push(h("span", { class: "recorded" }, report.recordedComparison));
    document.getElementById("about").append(...parts);
    if (report.interrupted)
      main.before(h("p", { class: "banner", role: "alert" }, "The run was interrupted: what is here stands, but cells and runs are missing."));
    document.getElementById("footer").append(
      "A verdict speaks of the protocol as it is written down and of the platform rules as they are modelled, for the region, hosts and settings of its run. ",
      "Every step of a counterexample names the source of its rule.");
  }

  function theme() {
    const button = document.getElementById("theme");
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const stored = () => { try { return localStorage.getItem("liminal-theme"); } catch { return null; } };
    const isDark = () => (document.documentElement.style.colorScheme || (system.matches ? "dark" : "light")) === "dark";
    const label = () => {
      button.textContent = isDark() ? "light" : "dark";
      button.setAttribute("aria-label", `switch to ${isDark() ? "light" : "dark"} colours`);
    };
    if (["dark", "light"].includes(stored())) document.documentElement.style.colorScheme = stored();
    system.addEventListener("change", label);
    button.addEventListener("click", () => {
      const next = isDark() ? "light" : "dark";
      document.documentElement.style.colorScheme = next;
      try { localStorage.setItem("liminal-theme", next); } catch { /* from disk there may be no storage: the choice lasts as long as the page */ }
      label();
    });
    label();
  }

  document.addEventListener("keydown", event => {
    if (event.key === "Escape" && timeline === null && matrix.marked) location.hash = "#/";
  });
  window.addEventListener("hashchange", route);
  theme();
  about();
  route();
})();
