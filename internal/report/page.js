// A click on a column's name, or Enter or Space on it, sorts the table by it: numbers largest first, text A to Z, and back at the next.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  for (const th of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...th.childNodes);
    th.append(button);
    button.addEventListener("click", () => {
      const number = th.classList.contains("number");
      const was = th.getAttribute("aria-sort");
      const rising = was ? was === "descending" : !number;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const key = row => {
        const cell = row.cells[th.cellIndex];
        return cell.dataset.sort ?? cell.textContent;
      };
      const rows = [...body.rows].sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === "" || y === "") return (x === "") - (y === ""); // what is empty stays last
        const d = number ? x - y : x.localeCompare(y, "en", { numeric: true });
        return rising ? d : -d;
      });
      body.append(...rows);
    });
  }
}

// The gallery's order.
for (const order of document.querySelectorAll(".order")) {
  const gallery = order.parentElement.querySelector(".gallery"), cards = [...gallery.children];
  order.hidden = false;
  order.addEventListener("change", event => {
    const by = event.target.value;
    const key = card => (by === "radius" ? -1 : 1) * (card.dataset[by] === "+Inf" ? Infinity : card.dataset[by]);
    const rank = new Map(cards.map(card => [card, by ? key(card) : 0]));
    gallery.append(...[...cards].sort((a, b) => rank.get(a) < rank.get(b) ? -1 : rank.get(a) > rank.get(b) ? 1 : 0));
  });
}

// A section that is folded opens where a link leads to it.
addEventListener("hashchange", () => document.getElementById(location.hash.slice(1))?.querySelector("details")?.setAttribute("open", ""));

// Figures. Attributes of the SVG say which path is which curve, and the values at its points (WriteAnnotatedSVG of the package
// figures). A click on an entry of the legend, or Enter or Space on it, hides its curves and shows them again. The pointer, or the
// arrow keys on the figure, shows the values of the curves that aren't hidden.
for (const figure of document.querySelectorAll(".drawing")) {
  const svg = figure.querySelector("svg"), all = selector => [...svg.querySelectorAll(selector)];
  const curves = all("path[data-of]"), panels = all("rect[data-panel]"), entries = all("rect[data-entry]");
  if (!curves.length) continue;
  const of = path => path.dataset.of.split(" ").filter(Boolean);
  const off = new Set();
  svg.setAttribute("role", "group"); // it holds buttons

  for (const button of entries) {
    const i = button.dataset.entry;
    if (!curves.some(path => of(path).includes(i))) continue;
    const toggle = () => {
      if (!off.delete(i)) off.add(i);
      button.setAttribute("aria-pressed", !off.has(i));
      for (const path of all(`path[data-entry="${i}"]`)) path.classList.toggle("off", off.has(i));
      for (const path of curves) path.style.display = of(path).some(j => off.has(j)) ? "none" : "";
      hide();
    };
    button.classList.add("entry");
    const says = { role: "button", tabindex: 0, "aria-pressed": true, "aria-label": `show ${button.dataset.name}` };
    for (const name in says) button.setAttribute(name, says[name]);
    button.addEventListener("click", toggle);
    button.addEventListener("keydown", event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault(); // Space would scroll
      toggle();
    });
  }

  const readout = document.createElement("output"), guide = document.createElementNS(svg.namespaceURI, "path");
  readout.className = "readout";
  guide.classList.add("guide");
  readout.hidden = true;
  figure.append(readout);
  const hint = figure.parentElement.previousElementSibling;
  if (hint?.classList.contains("hint")) hint.hidden = false;
  panels[0].after(guide);
  const hide = () => {
    readout.hidden = true;
    guide.removeAttribute("d");
  };
  const box = panel => Object.fromEntries(["x", "y", "width", "height"].map(name => [name, Number(panel.getAttribute(name))]));
  // The points of each curve, in the coordinates of the SVG's paths. A line has many; a mark or a bar has its own.
  const points = new Map(curves.filter(path => path.dataset.x).map(path => {
    const at = (path.dataset.at ?? path.getAttribute("d")).matchAll(/(-?[\d.e-]+),(-?[\d.e-]+)/g);
    const x = path.dataset.x.split("|"), y = path.dataset.y.split("|");
    const line = !path.dataset.at;
    return [path, [...at].map((m, i) => ({ path, line, px: Number(m[1]), py: Number(m[2]), x: x[i], y: y[i] }))];
  }));
  const shown = (path, panel) => path.dataset.panel === panel.dataset.panel && path.style.display !== "none";
  const seen = panel => [...points].filter(([path]) => shown(path, panel)).map(([, at]) => at);
  const nearest = (at, distance) => at.reduce((best, p) => distance(p) < distance(best) ? p : best);

  // Shows what lies at (px, py): of lines all values at the nearest x, of marks and bars the nearest and those above and below it.
  const show = (panel, px, py) => {
    const lines = seen(panel).filter(at => at[0].line);
    const among = (lines.length ? lines : seen(panel)).flat();
    if (!among.length) return hide();
    const first = nearest(among, p => Math.abs(p.px - px) + (lines.length ? 0 : Math.abs(p.py - py)));
    const { x, y, width, height } = box(panel);
    const beside = p => Math.abs(p.px - first.px);
    // A line that has come down to the axis goes on there.
    const on = p => beside(p) < 1 || p.px < first.px && p.py - y < 0.5;
    const found = lines.length ? lines.map(at => nearest(at, beside)).filter(on) : among.filter(p => beside(p) < 0.1);
    found.sort((a, b) => b.py - a.py);
    const part = (name, ...content) => {
      const e = document.createElement(name);
      e.append(...content);
      return e;
    };
    const label = panel.dataset.x && `${panel.dataset.x}: `;
    readout.replaceChildren(part("b", label + first.x), ...found.map(p => {
      const style = getComputedStyle(p.path), swatch = part("i");
      swatch.style.background = style.stroke === "none" ? style.fill : style.stroke;
      const name = of(p.path).map(i => entries[i].dataset.name).join(", ");
      return part("div", swatch, part("span", name || panel.dataset.y), part("strong", p.y));
    }));
    const dots = found.map(p => `M${first.px - 2},${p.py}a2,2 0 1,0 4,0a2,2 0 1,0 -4,0`);
    guide.setAttribute("d", (lines.length ? `M${first.px},${y}v${height}` : "") + dots.join(""));
    readout.hidden = false;
    // Beside the point, inside the figure.
    const frame = figure.getBoundingClientRect(), m = panel.getScreenCTM();
    const left = m.a * first.px + m.e - frame.left, top = m.d * (y + height) + m.f - frame.top;
    const right = left + 12 + readout.offsetWidth <= frame.width;
    readout.style.left = `${Math.max(0, right ? left + 12 : left - 12 - readout.offsetWidth)}px`;
    readout.style.top = `${top + 4}px`;
    return { panel, px: first.px, py: first.py };
  };

  let now = null; // what is shown
  const point = event => {
    const m = panels[0].getScreenCTM();
    const px = (event.clientX - m.e) / m.a, py = (event.clientY - m.f) / m.d;
    const panel = panels.find(panel => {
      const { x, y, width, height } = box(panel);
      return x - 4 <= px && px <= x + width + 4 && y - 4 <= py && py <= y + height + 4;
    });
    now = panel ? show(panel, px, py) : hide();
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", event => event.pointerType === "mouse" && hide());
  addEventListener("pointerdown", event => figure.contains(event.target) || hide());
  svg.setAttribute("tabindex", 0);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", event => {
    if (event.target !== svg) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], other = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape") hide();
    if (!step && !other) return;
    event.preventDefault();
    const { x, width } = box(panels[0]);
    const was = now ?? { panel: panels[0], px: step < 0 ? x + 2 * width : x - width, py: 0 };
    if (other) {
      const panel = panels[panels.indexOf(was.panel) + other];
      if (panel) now = show(panel, was.px, was.py);
      return;
    }
    // The next point in that direction, by at least a hundredth of the panel.
    const next = seen(was.panel).flat().filter(p => (p.px - was.px) * step > box(was.panel).width / 100);
    if (next.length) {
      const to = nearest(next, p => Math.abs(p.px - was.px));
      now = show(was.panel, to.px, to.py);
    }
  });
}
