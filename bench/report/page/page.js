"use strict";
(() => {
  // Sorting: each heading becomes a button; rows without a value stay at the end.
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number"
      ? one - other
      : String(one).localeCompare(String(other), "en", { numeric: true });
  const valueOf = (row, column) => {
    const text = row.cells[column].dataset.value;
    if (text === "") return null;
    return Number.isNaN(Number(text)) ? text : Number(text);
  };
  const sort = (table, column, descending) => {
    const rows = [...table.tBodies[0].rows];
    const keyed = rows.map((row, place) => ({ row, place, value: valueOf(row, column) }));
    keyed.sort((one, other) => {
      if (one.value === null || other.value === null) {
        return (one.value === null) - (other.value === null) || one.place - other.place;
      }
      const order = compare(one.value, other.value);
      return (descending ? -order : order) || one.place - other.place;
    });
    table.tBodies[0].append(...keyed.map((each) => each.row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const now = heading.getAttribute("aria-sort");
        const textual = heading.classList.contains("text");
        const descending = now ? now === "ascending" : !textual;
        headings.forEach((each) => each.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sort(table, column, descending);
      });
    });
  }

  // Commands: a button copies each, also where the browser has no clipboard for a file.
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      document.execCommand("copy");
    }
  };
  for (const place of document.querySelectorAll(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      await copy(place.querySelector("code"));
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    place.append(button);
  }

  // Colour scheme: that of the system, until the reader chooses one.
  const scheme = document.getElementById("scheme");
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.scheme ? root.dataset.scheme === "dark" : dark.matches);
  const label = () => { const other = isDark() ? "Light colours" : "Dark colours"; scheme.ariaLabel = scheme.title = other; };
  scheme.addEventListener("click", () => { root.dataset.scheme = isDark() ? "light" : "dark"; label(); });
  dark.addEventListener("change", label);
  scheme.hidden = false;
  label();

  // Charts: `ast` interprets expressions; compiling them is forbidden by the page's policy.
  const drawings = [...document.querySelectorAll(".chart")].map((place) => {
    const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
    return vegaEmbed(place.firstElementChild, spec, { renderer: "svg", actions: false, ast: true }).catch((error) => {
      place.textContent = "Cannot draw this chart: " + error.message;
      place.classList.add("chart-failed");
    });
  });
  Promise.all(drawings).then(() => { root.dataset.drawn = String(drawings.length); });
})();
