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
const order = document.getElementById("order");
if (order) {
  const gallery = document.querySelector(".gallery"), cards = [...gallery.children];
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
