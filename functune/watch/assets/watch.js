const PAUSE = 2000;
const PLACES = "h1, h2, h3, summary, figcaption, th button";
const frames = document.getElementById("frames");
let shown = null;
let coming = null;
let version = 0;

// Each place of a report by a name that it has in the next drawing too.
const placesOf = (root) => {
  const seen = new Map();
  return new Map(
    [...root.querySelectorAll(PLACES)].map((place) => {
      const section = place.closest("section, article")?.id ?? "";
      const name = `${place.tagName} ${section} ${place.textContent}`;
      const times = seen.get(name) ?? 0;
      seen.set(name, times + 1);
      return [`${name} ${times}`, place];
    }),
  );
};
const keepOpen = (before, after) => {
  for (const [name, place] of before) {
    const same = after.get(name);
    if (place.tagName === "SUMMARY" && same) same.parentElement.open = place.parentElement.open;
  }
};
const keepOrder = (before, after) => {
  for (const [name, place] of before) {
    const order = place.parentElement.getAttribute("aria-sort");
    if (place.tagName !== "BUTTON" || order === null) continue;
    after.get(name)?.click();
    if (order === "descending") after.get(name)?.click();
  }
};
const keepFocus = (old, before, after) => {
  if (document.activeElement !== shown) return;
  coming.contentWindow.focus();
  for (const [name, place] of before) {
    if (place === old.activeElement) after.get(name)?.focus({ preventScroll: true });
  }
};
// The place at the top of the window stays there, whatever was added above it.
const keepScroll = (before, after) => {
  const from = shown.contentWindow;
  const to = coming.contentWindow;
  if (from.scrollY === 0) return;
  const tops = [...before].map(([name, place]) => [name, place.getBoundingClientRect().top]);
  const above = tops.filter(([name, top]) => top <= 100 && after.has(name)).at(-1);
  const top = above ? to.scrollY + after.get(above[0]).getBoundingClientRect().top - above[1] : from.scrollY;
  to.scrollTo({ top, behavior: "instant" });
};
const swap = () => {
  if (shown !== null) {
    const old = shown.contentDocument;
    const before = placesOf(old);
    const after = placesOf(coming.contentDocument);
    keepOpen(before, after);
    keepOrder(before, after);
    keepScroll(before, after);
    keepFocus(old, before, after);
    shown.remove();
  }
  coming.className = "";
  shown = coming;
  coming = null;
};
const isSelecting = () => shown !== null && !shown.contentWindow.getSelection().isCollapsed;
const load = (next) => {
  version = next;
  coming = document.createElement("iframe");
  coming.title = "Report";
  coming.className = "coming";
  coming.src = `report.html?version=${next}`;
  coming.addEventListener("load", swap, { once: true });
  frames.append(coming);
};
const say = (headline, detail) => {
  for (const [id, text] of Object.entries({ headline, detail })) {
    const place = document.getElementById(id);
    if (place.textContent !== text) place.textContent = text;
  }
};
const ask = async () => {
  try {
    const answer = await fetch(`state.json?visible=${document.hidden ? 0 : 1}`);
    const state = await answer.json();
    document.body.className = state.has_ended ? "ended" : "measured";
    say(state.headline, state.detail);
    if (state.version > version && coming === null && !isSelecting()) load(state.version);
  } catch {
    document.body.className = "ended";
    say("functune watch has ended", "This is the last report that it has drawn.");
  }
};
const follow = async () => {
  await ask();
  setTimeout(follow, PAUSE);
};
document.addEventListener("visibilitychange", ask);
follow();
