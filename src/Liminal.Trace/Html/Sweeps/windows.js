// Windows as a list, and what is behind one: the events at its ends and the stray loads that were run in it.

/** act: { choose(index), jump(event), zoom(index) }. */
function windowList(group, events, act) {
  if (group.windows.length === 0) return h("section", { class: "windows", "aria-label": "windows" }, h("h3", {}, "Windows"),
    h("p", { class: "count" }, "None: at every instruction a load gets its data."));
  return h("section", { class: "windows", "aria-label": "windows" }, h("h3", {}, "Windows"),
    h("p", { class: "count" }, `${plural(group.windows.length, "span")} in which a stray load meets something else than its data, or gets it by a translation still held`),
    h("ol", {}, group.windows.map(window => h("li", { class: "window", "data-window": window.index },
      h("button", { type: "button", class: "window-head", onclick: () => act.choose(window.index) },
        h("span", { class: "place" }, window.index + 1), h("span", { class: "span" }, `${instruction(window.first)} to ${instruction(window.last)}`),
        h("span", { class: "length" }, plural(window.length, "instruction")), endBadge(window.end)),
      h("p", {}, windowSentence(window)),
      windowJumps(window, events, act)))));
}

/** What a load meets there, and through what. */
function windowSentence(window) {
  return [`A load through the ${window.mappings.join(", ")} of `, h("b", {}, pageNames(window.pages)),
    " meets ", h("b", {}, window.meets), window.states.length > 0 && ["; on the host side ", window.pages.length === 1 ? "it is " : "they are ", h("code", {}, window.states.join(", "))]];
}

function windowJumps(window, events, act) {
  const jump = (word, index, none) => events[index]
    ? h("button", { type: "button", class: "jump", "data-jump": word, onclick: () => act.jump(index) }, h("span", { class: "soft" }, `${word} by`),
      glyphIcon(events[index].kind), `${events[index].who} ${events[index].title}`, h("code", {}, functionOf(events[index].symbol)))
    : h("span", { class: "soft" }, none);
  return h("div", { class: "jumps" },
    jump("opened", window.opened, "open from the start"), jump("closed", window.closed, "still open at the end"),
    h("button", { type: "button", class: "plain zoom", onclick: () => act.zoom(window.index) }, "zoom to it"));
}

function functionOf(symbol) {
  return symbol.split("+")[0];
}

/** The pane of a window. */
function windowDetail(group, window, events, act) {
  return [
    h("p", { class: "place" }, `window ${window.index + 1} of ${group.windows.length}`),
    h("h3", {}, `${instruction(window.first)} to ${instruction(window.last)} `, endBadge(window.end)),
    h("p", { class: "soft" }, `${plural(window.length, "instruction boundary", "instruction boundaries")}; the first is the machine's instruction ${count(group.first + window.first)}`),
    h("p", { class: "what" }, windowSentence(window)),
    h("p", { class: "what" }, window.conclusion),
    windowJumps(window, events, act),
    h("h4", {}, window.runs.length === 0 ? "No stray load was run" : `${plural(window.runs.length, "stray load")} run in forks of the machine`),
    window.runs.map((run, i) => runDetail(run, i === 0 || run.end !== window.runs[i - 1].end || window.runs.length < 3)),
  ];
}

function runDetail(run, isOpen) {
  return h("details", { class: "run", open: isOpen },
    h("summary", {}, endBadge(run.end), ` CPU ${run.cpu} at ${instruction(run.at)} into page ${run.page}, ${run.mapping}`),
    h("p", {}, "loads at ", h("code", {}, run.site), `; the end was clear after ${plural(run.length, "instruction")}`),
    h("p", {}, run.detail),
    run.stack.length > 0 && [h("h5", {}, "Stack at the end"), stackList(run.stack)],
    run.console.length > 0 && [h("h5", {}, "Console after the load"), h("pre", { class: "console" }, run.console.join("\n"))]);
}

function stackList(stack) {
  return h("ol", { class: "stack" }, stack.map(frame => h("li", {}, h("code", {}, frame))));
}

/** The pane of an event. */
function eventDetail(group, event, act) {
  const near = group.windows.filter(window => window.opened === event.index || window.closed === event.index);
  return [
    h("p", { class: "place" }, `event ${count(event.index + 1)} of ${count(group.eventCount)}`),
    h("h3", { class: event.tone }, glyphIcon(event.kind), h("span", { class: "actor" }, event.who), " ", event.title),
    h("p", { class: "soft" }, `${kindOf(event.kind).word} at ${instruction(event.at)}, the machine's instruction ${count(group.first + event.at)}, on CPU ${event.cpu}`),
    event.detail && h("p", { class: "what" }, h("code", {}, event.detail)),
    event.pages.length > 0 && h("p", { class: "what" }, `Concerns ${pageNames(event.pages)}.`),
    h("pre", { class: "disassembly" }, event.symbol, "\n    ", event.disassembly),
    near.map(window => h("p", { class: "what" }, h("button", { type: "button", class: "jump", onclick: () => act.choose(window.index) },
      h("span", { class: "soft" }, window.opened === event.index ? "opens" : "closes"), `window ${window.index + 1}`, endBadge(window.end)))),
    event.stack.length > 0 && [h("h4", {}, "Stack"), stackList(event.stack)],
  ];
}
