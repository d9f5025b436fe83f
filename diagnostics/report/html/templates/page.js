"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, properties) => Object.assign(document.createElement(name), properties);
  const button = (text, act) => {
    const made = make("button", { type: "button", textContent: text });
    made.addEventListener("click", () => act(made));
    return made;
  };
  const tell = (text) => { document.getElementById("told").textContent = text; };

  // Copying. Where the browser gives no clipboard, the text is selected, ready for the keyboard.
  const copy = async (source) => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      tell("Copied.");
      return true;
    } catch {
      for (let fold = source.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
      getSelection().selectAllChildren(source);
      tell("Selected. Press Ctrl and C to copy.");
      return false;
    }
  };
  // A text of several messages is copied one message after the other.
  const copier = (label, sources) => {
    let next = 0;
    const named = () => (sources.length > 1 ? `${label}, ${next + 1} of ${sources.length}` : label);
    return button(named(), async (pressed) => {
      if (!await copy(sources[next])) return;
      next = (next + 1) % sources.length;
      pressed.textContent = "Copied";
      setTimeout(() => { pressed.textContent = named(); }, 1500);
    });
  };
  for (const code of all(".code")) code.append(copier("Copy", all("code", code)));
  for (const version of all(".version")) {
    document.getElementById("tools").append(copier(`Copy for ${version.dataset.name}`, all("code", version)));
  }

  // Sorting: by what cells count where they have a number, else by their text. Numbers begin with the largest; what has none
  // stays below them as it was.
  const sort = (table, heading) => {
    const body = table.tBodies[0];
    const cell = (row) => row.cells[heading.cellIndex];
    const rows = [...body.rows];
    const counted = rows.filter((row) => cell(row).dataset.order !== undefined);
    const key = counted.length ? (row) => Number(cell(row).dataset.order) : (row) => cell(row).textContent.toLowerCase();
    const before = heading.getAttribute("aria-sort");
    const falling = before ? before === "ascending" : counted.length > 0;
    const order = (one, other) => (one < other ? -1 : one > other ? 1 : 0) * (falling ? -1 : 1);
    body.append(...(counted.length ? counted : rows).sort((one, other) => order(key(one), key(other))));
    body.append(...(counted.length ? rows.filter((row) => cell(row).dataset.order === undefined) : []));
    for (const other of all("th", table)) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
  };

  // Filtering: the rows that hold all the words, wherever in the row.
  const filter = (rows, text) => {
    const words = text.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    tell(`${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`);
  };
  for (const table of all("table")) {
    const rows = [...table.tBodies[0].rows];
    const scroll = table.parentElement;
    new ResizeObserver(() => { scroll.tabIndex = scroll.scrollWidth > scroll.clientWidth ? 0 : -1; }).observe(scroll);
    if (rows.length < 2) continue;
    for (const heading of all("th", table)) {
      const pressed = button(heading.textContent, () => sort(table, heading));
      heading.replaceChildren(pressed);
    }
    if (rows.length < 6) continue;
    const wanted = make("input", { type: "search", autocomplete: "off" });
    wanted.addEventListener("input", () => filter(rows, wanted.value));
    const label = make("label", { className: "filter", textContent: "Filter" });
    label.append(wanted);
    scroll.before(label);
  }

  // Folds: a link to a problem unfolds it, paper shows everything.
  const unfold = () => {
    const fold = location.hash && document.getElementById(location.hash.slice(1))?.querySelector("details");
    if (fold) fold.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
  const cards = all(".problems > .card > details");
  if (cards.length > 1) {
    const label = () => (cards.every((fold) => fold.open) ? "Fold all" : "Unfold all");
    const toggle = button(label(), () => {
      const open = label() === "Unfold all";
      for (const fold of cards) fold.open = open;
    });
    for (const fold of cards) fold.addEventListener("toggle", () => { toggle.textContent = label(); });
    document.getElementById("problems").after(toggle);
  }
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of folded) fold.open = false;
  });
})();
