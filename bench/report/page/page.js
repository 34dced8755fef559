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

  // Limits: sliders, and how certain it is that each candidate meets them, as `zoo choose` says.
  const certainties = ["no", "cannot say", "likely", "surely"];
  const certainty = (each, limit) => {
    const found = [3];
    if (limit.min_accuracy !== null) {
      found.push(each.low >= limit.min_accuracy ? 3 : each.high < limit.min_accuracy ? 0 : each.likely_low >= limit.min_accuracy ? 2 : 1);
    }
    if (limit.max_seconds !== null) {
      const slow = each.slow_seconds;
      found.push(each.seconds > limit.max_seconds ? 0 : slow !== null && slow <= limit.max_seconds ? 3 : 2);
    }
    if (limit.max_bytes !== null) found.push(each.bytes <= limit.max_bytes ? 3 : 0);
    return Math.min(...found);
  };
  const inWords = {
    min_accuracy: (value) => Number((100 * value).toFixed(1)) + "\u00a0%",
    max_seconds: (value) => Number((1000 * value).toPrecision(3)) + "\u00a0ms",
    max_bytes: (value) => Number((value / 1e6).toPrecision(3)) + "\u00a0MB",
  };
  for (const place of document.querySelectorAll(".chooser")) {
    const { candidates, ...limit } = JSON.parse(place.querySelector("script").textContent);
    const list = place.querySelector("ul");
    const sliders = [...place.querySelectorAll("input")].map((input) => {
      const name = input.dataset.limit;
      const least = name === "min_accuracy";
      const values = candidates.flatMap((each) => least ? [each.low, each.high] : name === "max_bytes" ? [each.bytes] : [each.seconds, each.slow_seconds ?? each.seconds]);
      const low = Math.min(...values) * (least ? 0.98 : 0.8);
      const high = least ? 1 : Math.max(...values) * 1.25;
      const open = least ? 0 : 100; // this end has no limit
      const at = (position) => least ? low + (high - low) * position / 100 : low * (high / low) ** (position / 100);
      const position = (value) => 100 * (least ? (value - low) / (high - low) : Math.log(value / low) / Math.log(high / low));
      input.value = limit[name] === null ? open : position(limit[name]);
      input.addEventListener("input", () => { limit[name] = Number(input.value) === open ? null : at(Number(input.value)); show(); });
      return { name, output: input.parentElement.querySelector("output") };
    });
    const show = () => {
      for (const { name, output } of sliders) output.textContent = limit[name] === null ? "any" : inWords[name](limit[name]);
      const found = candidates.map((each) => ({ each, sure: certainty(each, limit) }));
      found.sort((one, other) => other.sure - one.sure);
      list.replaceChildren(...found.map(({ each, sure }) => {
        const item = document.createElement("li");
        item.className = ["failed", "level", "", "better"][sure];
        item.textContent = each.name + ": " + certainties[sure];
        return item;
      }));
    };
    show();
    place.hidden = false;
  }

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
