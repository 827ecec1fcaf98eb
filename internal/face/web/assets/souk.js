// Comfort only: every page works without it.
// Times are shown in the reader's zone; the exact instant stays in the title.
for (const el of document.querySelectorAll("time[datetime]")) {
  const at = new Date(el.dateTime);
  if (isNaN(at)) continue;
  el.textContent = new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "medium", timeStyle: "medium", hourCycle: "h23",
  }).format(at);
}
// Ids and credentials are copied by a click or Enter.
for (const el of document.querySelectorAll("[data-copy]")) {
  el.tabIndex = 0;
  el.setAttribute("role", "button");
  const copy = async () => {
    const text = el.firstChild.textContent;
    try { await navigator.clipboard.writeText(text); } catch { return; }
    el.dataset.done = el.dataset.copy;
    setTimeout(() => delete el.dataset.done, 1500);
  };
  el.addEventListener("click", copy);
  el.addEventListener("keydown", (e) => { if (e.key === "Enter") copy(); });
}
// "/" goes to the first field of a list's filter.
document.addEventListener("keydown", (e) => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, select, textarea")) return;
  const field = document.querySelector(".filters input");
  if (field) { e.preventDefault(); field.focus(); }
});
