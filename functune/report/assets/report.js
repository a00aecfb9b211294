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
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1500);
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
  svg.addEventListener("pointerleave", () => {
    tip.hidden = true;
  });
  svg.addEventListener("pointermove", (event) => {
    const frame = figure.getBoundingClientRect();
    let nearest = null;
    let least = 32;
    for (const point of points) {
      const box = point.getBoundingClientRect();
      const x = box.left + box.width / 2;
      const y = box.top + box.height / 2;
      const inside =
        point.closest(".mark-rect") &&
        event.clientX >= box.left &&
        event.clientX <= box.right &&
        event.clientY >= box.top &&
        event.clientY <= box.bottom;
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
      const key = (row) => (place === 0 ? original.indexOf(row) : number(row.cells[place]));
      const keyed = original.map((row) => [key(row), row]);
      keyed.sort(([a], [b]) => (a === b ? 0 : a === null ? 1 : b === null ? -1 : sign * (a - b)));
      body.append(...keyed.map(([, row]) => row));
    });
  }
}
for (const steps of document.querySelectorAll("[data-csv]")) {
  const download = document.createElement("button");
  download.type = "button";
  download.className = "download";
  download.textContent = "Download all steps as CSV";
  download.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([steps.dataset.csv], { type: "text/csv" }));
    link.download = "steps.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  steps.querySelector("h2").after(download);
}
