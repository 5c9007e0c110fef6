// Puts the page together: what the address names is what is shown.
// #/platform/direction/number[/event/n | /window/n | /property[/step]]

(() => {
  const report = readSweeps(document.getElementById("report").textContent);
  const main = document.getElementById("main");
  const summary = new Summary(report);
  let view = null; // of a conversion or of a counterexample
  let shown = null; // the group that it shows
  let scrolled = 0;
  const narrow = window.matchMedia("(max-width: 900px)"); // where the pane covers part of the page, it waits until something is chosen

  function route() {
    const [platform, direction, number, part, place] = addressParts();
    const group = report.groups.find(g => g.platform === platform && g.direction === direction && g.number === number) ?? null;
    const target = group && part && observedCounterexample(report, group, part);
    if (target) showCounterexample(target, Number(place) || 0);
    else if (group) showConversion(group, part, Number(place) - 1);
    else showSummary();
  }

  function showCounterexample(target, step) {
    leave();
    view = new TimelineView(target, moved => history.replaceState(null, "", `${target.href}/${moved}`));
    fill(main, view.element);
    view.select(step);
    window.scrollTo(0, 0);
    view.list.focus({ preventScroll: true });
    view.rows[view.step]?.scrollIntoView({ block: "nearest" });
  }

  function showConversion(group, part, index) {
    if (!(view instanceof ConversionView) || view.group !== group) {
      leave();
      view = new ConversionView(report, group, rest => history.replaceState(null, "", `${group.href}/${rest}`));
      fill(main, view.element);
      view.chart.resize();
      window.scrollTo(0, 0);
      view.element.querySelector("h2").focus({ preventScroll: true });
    }
    shown = group;
    const named = part === "event" ? { event: index } : part === "window" ? { window: index } : null;
    view.select(named ?? (narrow.matches ? {} : group.windows.length > 0 ? { window: 0 } : { event: 0 }), named === null);
  }

  function showSummary() {
    const from = shown;
    const isBack = view !== null;
    leave();
    shown = null;
    fill(main, summary.element);
    if (isBack) window.scrollTo(0, scrolled);
    if (from) summary.element.querySelector(`a.enter[href="${CSS.escape(from.href)}"]`)?.focus({ preventScroll: true });
  }

  function leave() {
    if (view === null) scrolled = window.scrollY;
    view?.leave();
    view = null;
  }

  window.addEventListener("hashchange", route);
  theme();
  about(report, "sweeps", report.kernels.map(kernel => h("span", { class: "recorded" }, `kernel ${kernel.name}`)));
  document.getElementById("footer").append(
    "Violated means that it was seen to happen. Holds means that it happened at none of the instructions of this conversion, under this host and these settings. ",
    "A window reaches from the first page that enters it to the last that leaves it. Instructions are those of all processors together, counted from the entry of the conversion; a window of a very short length is drawn wider than it is.");
  route();
})();
