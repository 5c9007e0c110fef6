// The view of one conversion: verdicts, the chart, windows, events and cost on the left, what is chosen on the right.

class ConversionView {
  /** moved(part) is called when the reader chooses something: the rest of the address. */
  constructor(report, group, moved) {
    this.report = report;
    this.group = group;
    this.moved = moved;
    this.events = group.events();
    this.chosen = {};
    this.act = {
      choose: index => this.choose({ window: index }),
      jump: index => this.choose({ event: index }),
      zoom: index => { this.choose({ window: index }); this.chart.frame(group.windows[index]); },
    };
    this.chart = new Chart(group, this.events, what => this.choose(what));
    this.list = new EventList(this.events, index => this.choose({ event: index }), hidden => { this.chart.hidden = hidden; this.chart.draw(); });
    this.pane = h("section", { class: "state", "aria-label": "what is chosen", "aria-live": "polite" });
    this.windows = windowList(group, this.events, this.act);
    this.element = h("article", { class: "conversion" }, this.heading(), h("div", { class: "columns" },
      h("div", { class: "told" }, this.verdicts(), this.chart.element, this.list.chips(), this.keysHelp(), this.windows, this.list.element, costOf(group)), this.pane));
    this.keys = event => this.key(event);
    document.addEventListener("keydown", this.keys);
  }

  leave() {
    this.chart.leave();
    document.removeEventListener("keydown", this.keys);
  }

  heading() {
    const { group, report } = this;
    const { subject } = group;
    const platform = report.platforms.find(p => p.name === group.platform);
    const experiment = [subject.number !== undefined && `conversion ${subject.number} of the boot`, subject.applied && ["with the protocol ", h("code", {}, subject.applied), " in place of the kernel's own function"],
      subject.without.length > 0 && ["without ", subject.without.map(name => [h("code", {}, name), " "])]].filter(Boolean);
    const seconds = group.settings.reduce((sum, one) => sum + one.seconds, 0);
    return h("header", { class: "heading" },
      h("nav", { "aria-label": "way back" }, h("a", { href: "#/" }, "‹ all conversions")),
      h("h2", { tabindex: "-1" }, h("b", {}, group.platform), group.direction, h("span", { class: "sub" }, h("code", {}, subject.cause))),
      h("p", { class: "sentence" }, platform?.title, platform && " · ", `kernel ${group.kernel} · ${plural(subject.pages, "page")} of ${subject.region} from frame ${subject.firstFrame} · ${plural(subject.processors, "CPU")}`, experiment.map(part => [" · ", part])),
      this.settings(),
      h("p", { class: "run" }, "returned ", h("code", {}, group.result ?? "never"), ` · ${plural(group.probes, "probe")}, ${plural(group.situations, "distinct situation")}, ${plural(group.runs, "stray load")} run · ${seconds.toFixed(1)} s`),
      group.ended && h("p", { class: "conclusion" }, group.ended),
      group.incomplete && h("p", { class: "banner" }, group.incomplete));
  }

  /** Under which hosts and settings; all of them on demand. */
  settings() {
    const { group, report } = this;
    const words = groupConditions(report, group);
    if (group.settings.length === 1) return h("p", { class: "settings" }, words, " · ", settingLine(report, group.settings[0]));
    return h("details", { class: "settings" }, h("summary", {}, words, ` · ${plural(group.settings.length, "setting")} came to the same`),
      h("ul", {}, group.settings.map(one => h("li", {}, settingLine(report, one)))));
  }

  verdicts() {
    const { group, report } = this;
    const sentence = name => report.properties.find(p => p.name === name)?.title;
    const loud = group.verdicts.filter(v => v.verdict === "violated" || v.verdict === "inconclusive");
    const quiet = verdict => group.verdicts.filter(v => v.verdict === verdict);
    return h("section", { class: "verdicts-of", "aria-label": "verdicts" },
      h("ul", {}, loud.map(v => h("li", { class: `ending ${v.verdict}`, "data-property": v.property },
        h("p", { title: sentence(v.property) }, icon(v.verdict), " ", h("code", {}, v.property), " ", h("span", { class: v.verdict }, Verdicts[v.verdict].word),
          v.timeline >= 0 && h("a", { class: "follow", href: `${group.href}/${encodeURIComponent(v.property)}` }, "counterexample")),
        v.reason && h("p", { class: "reason" }, v.reason)))),
      ["holds", "notApplicable"].map(verdict => quiet(verdict).length > 0 && h("p", { class: "others" }, icon(verdict), ` ${Verdicts[verdict].word}: `,
        quiet(verdict).map((v, i) => [i > 0 && ", ", h("code", { title: [sentence(v.property), v.reason].filter(Boolean).join(" ") }, v.property)]))));
  }

  keysHelp() {
    return h("p", { class: "keys" }, h("kbd", {}, "←"), h("kbd", {}, "→"), " event ", h("kbd", {}, "w"), h("kbd", {}, "W"), " next window, the one before ",
      h("kbd", {}, "o"), h("kbd", {}, "c"), " event that opened it, closed it ", h("kbd", {}, "+"), h("kbd", {}, "−"), h("kbd", {}, "0"), " zoom ",
      h("kbd", {}, "Esc"), " all conversions; drag to move, Ctrl and wheel to zoom");
  }

  /** Chooses an event or a window, and tells the address bar. */
  choose(what) {
    this.select(what);
    this.moved(what.window !== undefined ? `window/${what.window + 1}` : `event/${what.event + 1}`);
  }

  /** What the page shows by itself when it opens is not remembered: w then goes to the first window. */
  select(what, byItself = false) {
    const { group } = this;
    const event = this.events[what.event];
    const window = group.windows[what.window];
    if (window && !byItself) this.lastWindow = window;
    this.chosen = event ? { event: event.index } : window ? { window: window.index } : {};
    this.chart.show(this.chosen);
    this.list.show(event?.index ?? -1);
    for (const line of this.windows.querySelectorAll(".window")) line.classList.toggle("chosen", Number(line.dataset.window) === this.chosen.window);
    fill(this.pane, event ? eventDetail(group, event, this.act) : window ? windowDetail(group, window, this.events, this.act)
      : h("p", { class: "soft" }, this.events.length + group.windows.length === 0 ? "Nothing was recorded." : "Choose an event or a window."));
    this.pane.scrollTop = 0;
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea, summary")) return;
    const { windows } = this.group;
    const window = windows[this.chosen.window] ?? this.lastWindow;
    const here = this.chosen.event ?? windows[this.chosen.window]?.opened ?? -1;
    const toEvent = index => index !== null && index >= 0 && this.choose({ event: index });
    const toWindow = by => {
      if (windows.length === 0) return;
      const at = this.chosen.window ?? (this.lastWindow ? this.lastWindow.index : by > 0 ? -1 : windows.length);
      this.choose({ window: Math.max(0, Math.min(windows.length - 1, at + by)) });
    };
    const acts = {
      ArrowRight: () => toEvent(this.list.step(here, 1)), ArrowDown: () => toEvent(this.list.step(here, 1)),
      ArrowLeft: () => toEvent(this.list.step(here, -1)), ArrowUp: () => toEvent(this.list.step(here, -1)),
      Home: () => toEvent(this.list.first()), End: () => toEvent(this.list.last()),
      w: () => toWindow(1), W: () => toWindow(-1),
      o: () => window && toEvent(window.opened), c: () => window && toEvent(window.closed),
      "+": () => this.chart.zoom(2), "=": () => this.chart.zoom(2), "-": () => this.chart.zoom(.5), 0: () => this.chart.zoom(0),
      Escape: () => { location.hash = "#/"; },
    };
    if (!Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }
}

/** A host and its switches: "cooperative host, suppress-ve=on". */
function settingLine(report, { host, switches }) {
  return h("span", { class: "setting", title: report.hosts.find(h => h.name === host)?.title }, h("code", {}, host), " host", switches.map(text => [", ", h("code", {}, text)]));
}

/** A counterexample of a conversion, as the timeline view wants it; null when the property has none. */
function observedCounterexample(report, group, property) {
  const found = group.verdicts.find(v => v.property === property);
  if (!found || found.timeline < 0) return null;
  const hrefOf = name => `${group.href}/${encodeURIComponent(name)}`;
  const timeline = report.timeline(found.timeline);
  const acting = new Set(timeline.steps.map(step => step.lane));
  return {
    timeline: { ...timeline, lanes: timeline.lanes.filter(lane => lane.kind !== "page" || acting.has(lane.id)) }, href: hrefOf(property), back: { href: group.href, title: "conversion" },
    property, sentence: report.properties.find(p => p.name === property)?.title,
    subject: [h("code", {}, group.platform), ` ${group.direction}, kernel ${group.kernel}`],
    run: groupConditions(report, group),
    others: group.verdicts.filter(v => v.timeline >= 0).map(v => ({ href: hrefOf(v.property), title: v.property, isChosen: v.property === property })),
    place: "conversion", sourceName: "At",
  };
}
