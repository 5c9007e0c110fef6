// What every page has around its views: the address, the colours, the lines above and below.

/** The parts of the address behind the #, decoded. */
function addressParts() {
  return location.hash.replace(/^#\/?/, "").split("/").filter(part => part !== "").map(part => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
}

/** The line beside the name of the page, and a warning when the run did not come to its end. */
function about(report, missing, ...more) {
  document.getElementById("about").append(...nodes([h("code", {}, report.commandLine), h("span", {}, `version ${report.version}`), more]));
  if (report.interrupted)
    document.getElementById("main").before(h("p", { class: "banner", role: "alert" }, `The run was interrupted: what is here stands, but ${missing} are missing.`));
}

/** The button that changes between light and dark. */
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
