"""The page's style sheet and script. Both are inlined: the report is one file that opens without a network."""

LIGHT = """
  color-scheme: light;
  --page: #fbfbf9; --surface: #ffffff; --ink: #17191c; --muted: #5b626b; --rule: #e4e4df; --accent: #0b5cad;
  --accent-soft: #eaf2fb; --good: #1a7044; --bad: #b3261e; --warning: #8a5300; --bound: #7b828b; --hatch: #ecece7;
  --series-0: #440154; --series-1: #46327e; --series-2: #365c8d; --series-3: #24788a;
  --series-4: #0f7f67; --series-5: #2b8139; --series-6: #55790f; --series-7: #7d6f00;
  --part-0: #96590a; --part-1: #2a6fb0; --part-2: #6b737c; --part-ink-0: #ffffff; --part-ink-1: #ffffff;
  --part-ink-2: #ffffff;
"""

DARK = """
  color-scheme: dark;
  --page: #111316; --surface: #181b1f; --ink: #e9ebee; --muted: #9da5af; --rule: #2c3138; --accent: #7db8f5;
  --accent-soft: #17263a; --good: #63c48d; --bad: #ff8a80; --warning: #f0b95c; --bound: #8b939d; --hatch: #23272c;
  --series-0: #b897e8; --series-1: #8aa2f0; --series-2: #63b3e8; --series-3: #45c4cf;
  --series-4: #3fcfa6; --series-5: #74d66c; --series-6: #b3dc48; --series-7: #fde725;
  --part-0: #e0a94f; --part-1: #6fb1ef; --part-2: #9aa2ab; --part-ink-0: #000000; --part-ink-1: #000000;
  --part-ink-2: #000000;
"""

STYLE = (
    ":root {" + LIGHT + "}\n"
    "@media screen and (prefers-color-scheme: dark) { :root {"
    + DARK
    + "} }\n"
    + """
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
main, header, footer { max-width: 1160px; margin: 0 auto; padding: 0 32px; }
header { padding-top: 56px; }
footer { padding-top: 24px; padding-bottom: 56px; color: var(--muted); font-size: 13px; }
h1 { font-size: 32px; line-height: 1.2; letter-spacing: -0.02em; font-weight: 650; margin: 6px 0 0;
  text-wrap: balance; }
h2 { font-size: 24px; line-height: 1.25; letter-spacing: -0.015em; font-weight: 650; margin: 0; text-wrap: balance; }
h3 { font-size: 17px; line-height: 1.35; letter-spacing: -0.005em; font-weight: 620; margin: 0; text-wrap: pretty; }
p { margin: 0; text-wrap: pretty; }
a { color: var(--accent); text-underline-offset: 3px; }
a:focus-visible, button:focus-visible, summary:focus-visible,
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px;
  }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; font-size: 13px; }
.eyebrow { color: var(--muted); font-size: 13px; letter-spacing: 0.01em; }
.muted { color: var(--muted); }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }

.verdicts { display: grid; gap: 16px; margin-top: 32px; }
.verdict { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 430px); gap: 20px 40px;
  background: var(--surface);
  border: 1px solid var(--rule); border-radius: 14px; padding: 28px 32px; }
.verdict .question { font-size: 17px; font-weight: 500; letter-spacing: -0.005em; }
.verdict .said { display: grid; gap: 10px; align-content: start; }
.verdict .answer { font-size: 22px; line-height: 1.35; letter-spacing: -0.01em; font-weight: 600; }
.verdict .only { grid-column: 1 / -1; }
.verdict .badge { font-size: 14px; }
.warning { color: var(--warning); }
.to-set { display: grid; gap: 16px; align-content: start; }
.to-set h3 { font-size: 13px; font-weight: 500; color: var(--muted); }
.to-set .muted { font-size: 14px; margin-top: 8px; }
.copyable { position: relative; margin-top: 6px; }
.copyable pre { margin: 0; padding: 14px 76px 14px 16px; background: var(--accent-soft); border-radius: 8px;
  white-space: pre-wrap;
  line-height: 1.7; user-select: all; }
.copyable button { position: absolute; top: 8px; right: 8px; font: inherit; font-size: 12px; color: var(--accent);
  background: var(--surface); border: 1px solid var(--rule); border-radius: 6px; padding: 2px 9px; cursor: pointer; }

details summary { cursor: pointer; font-size: 14px; color: var(--accent); }
details[open] summary { margin-bottom: 8px; }
details .muted { margin: 10px 0 0; }

.tiles { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 1px; margin: 16px 0 0;
  background: var(--rule);
  border: 1px solid var(--rule); border-radius: 14px; overflow: hidden; }
.tiles > div { background: var(--surface); padding: 18px 22px; }
.tiles dt { color: var(--muted); font-size: 13px; }
.tiles dd { margin: 2px 0 0; font-size: 22px; line-height: 1.3; letter-spacing: -0.01em; font-weight: 620; }
.tiles .note { font-size: 13px; font-weight: 400; letter-spacing: 0; color: var(--muted); line-height: 1.45; }

section { margin-top: 72px; }
section > .lead { margin-top: 10px; max-width: 72ch; color: var(--muted); }
.route { margin-top: 36px; }
.route > h3 { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: baseline; }
.route > h3 .eyebrow { font-weight: 400; }
.route > h3 code { font-size: 15px; font-weight: 600; }
.route > .reason { margin-top: 6px; max-width: 78ch; }
.route > .tiles { grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); grid-auto-flow: dense; gap: 16px;
  margin-top: 16px; }
figure { margin: 0; background: var(--surface); border: 1px solid var(--rule); border-radius: 14px;
  padding: 22px 22px 16px;
  position: relative; min-width: 0; }
figure.whole { grid-column: 1 / -1; }
figcaption p { color: var(--muted); font-size: 13px; margin-top: 4px; }
figure .drawing, figure .scroll { margin-top: 14px; }
.chart { display: block; width: 100%; height: auto; overflow: visible; }
figure.whole .drawing { max-width: 640px; }
.chart text { font-size: 12px; }
.narrow { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 12px 0 0; padding: 0;
  font-size: 13px; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 7px; }
.part-0 { background: var(--part-0); } .part-1 { background: var(--part-1); } .part-2 { background: var(--part-2); }
.tip { position: absolute; pointer-events: none; background: var(--ink); color: var(--page); font-size: 12.5px;
  line-height: 1.4; padding: 5px 9px; border-radius: 6px; transform: translate(-50%, calc(-100% - 12px));
  max-width: 240px; width: max-content; z-index: 2; }
.tip[hidden] { display: none; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; overflow-wrap: normal; }
caption { text-align: left; color: var(--muted); font-size: 13px; padding: 0 0 8px; }
th, td { padding: 8px 14px; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 500; }
thead th { color: var(--muted); font-size: 12.5px; vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
table.claims th[scope=row] { white-space: normal; min-width: 180px; }
table.claims thead th:last-child, table.claims td:last-child { text-align: left; padding-left: 24px; }
table.heat { border-collapse: separate; border-spacing: 4px; width: auto; }
table.heat th { border: 0; padding: 6px 10px; color: var(--muted); font-size: 13px; }
table.heat thead th { text-align: center; }
table.heat th[scope=row] { padding-left: 0; text-align: left; }
table.heat td { border: 0; border-radius: 8px; text-align: center; padding: 12px 8px; line-height: 1.3;
  min-width: 128px;
  -webkit-print-color-adjust: exact; print-color-adjust: exact; }
table.heat td b { display: block; font-size: 16px; font-weight: 620; }
table.heat td small { font-size: 12px; display: block; }
table.heat td.best { outline: 2px solid var(--ink); outline-offset: 1px; }
table.heat td.none { background: repeating-linear-gradient(135deg, var(--hatch) 0 6px, transparent 6px 12px); }
table.steps { font-size: 13px; }
thead button { font: inherit; color: inherit; background: none; border: 0; padding: 2px 0; cursor: pointer;
  text-align: inherit; }
thead button:hover { color: var(--ink); }
th[aria-sort] { color: var(--ink); }
th[aria-sort=ascending] button::after { content: " ▲"; }
th[aria-sort=descending] button::after { content: " ▼"; }
.download { font: inherit; font-size: 14px; color: var(--accent); background: var(--surface);
  border: 1px solid var(--rule); border-radius: 8px; padding: 6px 14px; cursor: pointer; margin-top: 14px; }
table.steps th, table.steps td { padding: 5px 7px; }
table.steps caption { max-width: min(1096px, calc(100vw - 40px)); }
table.steps th:first-child { padding-left: 0; }
.block { margin-top: 28px; }
.block > h3 { margin-bottom: 10px; }
.notes { margin: 16px 0 0; padding: 0 0 0 18px; color: var(--muted); font-size: 14px; max-width: 84ch; }
.notes li { margin-top: 4px; }
dl.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 28px; margin: 20px 0 0;
  font-size: 14px; }
dl.facts dt { color: var(--muted); }
dl.facts dd { margin: 0; }

@media (max-width: 860px) {
  .verdict, .figures { grid-template-columns: minmax(0, 1fr); }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (max-width: 560px) {
  main, header, footer { padding: 0 16px; }
  header { padding-top: 28px; }
  h1 { font-size: 26px; }
  h2 { font-size: 21px; }
  section { margin-top: 52px; }
  .verdict { padding: 20px 18px; }
  .copyable pre { padding: 12px; font-size: 11px; }
  .copyable button { position: static; margin-top: 8px; padding: 6px 14px; }
  .verdict .answer { font-size: 18px; }
  .tiles > div { padding: 14px 16px; }
  .tiles dd { font-size: 19px; }
  .route > .tiles { grid-template-columns: minmax(0, 1fr); }
  figure { padding: 18px 14px 12px; }
  .wide { display: none; }
  .narrow { display: block; }
  dl.facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dl.facts dd { margin-bottom: 8px; }
  table.heat td { min-width: 84px; }
}
@media print {
  body { font-size: 10.5pt; background: none; }
  main, header, footer { max-width: none; padding: 0; }
  .copyable button, .download, .tip, details:not([open]) { display: none; }
  section { margin-top: 32px; }
  figure, .verdict, .tiles, tr { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
  .scroll { overflow: visible; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  figure { padding: 14px; }
  .wide { display: none; }
  .narrow { display: block; }
  .whole .wide { display: block; }
  .whole .narrow { display: none; }
  table.heat td { min-width: 0; padding: 8px 4px; }
  table.heat td small { font-size: 7pt; }
  table.claims th, table.claims td { white-space: normal; padding: 6px 8px; }
  table.claims th[scope=row] { min-width: 120px; }
  table.steps { font-size: 6.5pt; }
  table.steps th, table.steps td { padding: 2px 3px; }
  table.steps thead th { font-size: 6pt; }
  thead { display: table-header-group; }
}
"""
)

SCRIPT = r"""
for (const block of document.querySelectorAll(".copyable")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = block.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(block.querySelector("pre"));
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.append(button);
}
for (const svg of document.querySelectorAll("svg.chart")) {
  const figure = svg.closest("figure");
  const points = [...svg.querySelectorAll("[data-tip]")];
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  figure.append(tip);
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  svg.addEventListener("pointermove", (event) => {
    const frame = figure.getBoundingClientRect();
    let nearest = null;
    let least = 32;
    for (const point of points) {
      const box = point.getBoundingClientRect();
      const x = box.left + box.width / 2;
      const y = box.top + box.height / 2;
      const inside = point.closest(".mark-rect") && event.clientX >= box.left && event.clientX <= box.right
        && event.clientY >= box.top && event.clientY <= box.bottom;
      const distance = inside ? 0 : Math.hypot(event.clientX - x, event.clientY - y);
      if (distance < least) {
        least = distance;
        nearest = { x: x - frame.left, y: y - frame.top, text: point.dataset.tip };
      }
    }
    tip.hidden = nearest === null;
    if (nearest === null) return;
    tip.textContent = nearest.text;
    const half = tip.offsetWidth / 2;
    tip.style.left = `${Math.min(Math.max(nearest.x, half), frame.width - half)}px`;
    tip.style.top = `${nearest.y}px`;
  });
}
const number = (cell) => {
  const found = /-?[0-9][0-9,]*(\.[0-9]+)?/.exec(cell.textContent);
  return found === null ? null : Number(found[0].replaceAll(",", ""));
};
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const way = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way);
      const sign = way === "ascending" ? 1 : -1;
      const place = head.cellIndex;
      const key = (row) => place === 0 ? original.indexOf(row) : number(row.cells[place]);
      const keyed = original.map((row) => [key(row), row]);
      keyed.sort(([a], [b]) => a === b ? 0 : a === null ? 1 : b === null ? -1 : sign * (a - b));
      body.append(...keyed.map(([, row]) => row));
    });
  }
}
const data = JSON.parse(document.getElementById("data").textContent);
const download = document.createElement("button");
download.type = "button";
download.className = "download";
download.textContent = "Download all steps as CSV";
download.addEventListener("click", () => {
  const steps = data.experiments.flatMap((experiment) => experiment.routes.flatMap((route) => route.steps));
  const names = Object.keys(steps[0] ?? {});
  const quoted = (value) => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [names, ...steps.map((step) => names.map((name) => step[name]))];
  const text = lines.map((line) => line.map(quoted).join(",") + "\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = "steps.csv";
  link.click();
  URL.revokeObjectURL(link.href);
});
document.querySelector("#steps h2").after(download);
"""
