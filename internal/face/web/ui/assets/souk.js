// Comfort only: every page works without it.
const words = (root) => {
  // Times are shown in the reader's zone; the exact instant stays in the title.
  for (const el of root.querySelectorAll("time[datetime]")) {
    const at = new Date(el.dateTime);
    if (isNaN(at)) continue;
    el.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" }).format(at);
  }
  // Ids and credentials are copied by a click or Enter.
  for (const el of root.querySelectorAll("[data-copy]")) {
    el.tabIndex = 0;
    el.setAttribute("role", "button");
  }
};
words(document);
const copy = async (el) => {
  const text = el.firstChild.textContent;
  try { await navigator.clipboard.writeText(text); } catch { return; }
  el.dataset.done = el.dataset.copy;
  setTimeout(() => delete el.dataset.done, 1500);
};
document.addEventListener("click", (e) => { const el = e.target.closest("[data-copy]"); if (el) copy(el); });
document.addEventListener("htmx:after:swap", () => words(document));

// On a small screen the menu and the facets begin folded.
const small = matchMedia("(max-width: 760px)");
for (const side of document.querySelectorAll("details.side, details.facets")) {
  side.open = !small.matches;
  small.addEventListener("change", () => { side.open = !small.matches; });
}

// "/" searches, "g" and a letter goes to a section, Esc closes what is open.
let going = false;
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "Escape") {
    for (const d of document.querySelectorAll("details.confirm[open]")) d.open = false;
    return;
  }
  const el = e.target.closest("[data-copy]");
  if (e.key === "Enter" && el) return void copy(el);
  if (e.target.closest("input, select, textarea")) return;
  if (going) {
    going = false;
    const link = document.querySelector(`a[data-key="${CSS.escape(e.key)}"]`);
    if (link) { e.preventDefault(); link.click(); }
  } else if (e.key === "g") {
    going = true;
    setTimeout(() => { going = false; }, 1500);
  } else if (e.key === "/") {
    const field = document.querySelector(".filters input, .find input");
    if (field) { e.preventDefault(); field.focus(); }
  }
});

// A live page asks to be told of changes and then fetches itself again; what somebody is typing is left alone.
const live = document.querySelector("[data-live]");
if (live) {
  const source = new EventSource(live.dataset.live);
  source.addEventListener("changed", async () => {
    if (document.activeElement?.closest("form") && document.activeElement.matches("input, textarea, select")) return;
    const res = await fetch(location.href, { headers: { "X-Live": "1" } });
    if (!res.ok) return;
    const page = new DOMParser().parseFromString(await res.text(), "text/html");
    const main = page.querySelector("main");
    if (!main) return;
    document.querySelector("main").replaceChildren(...main.childNodes);
    words(document);
    if (!document.querySelector("[data-live]")) source.close();
  });
  addEventListener("pagehide", () => source.close());
}
