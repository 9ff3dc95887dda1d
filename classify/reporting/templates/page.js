"use strict";
// What pages do beyond being read: tables that sort, lists that filter, curves that tell their values. A page is complete
// without it. It is one file without any library, and asks for nothing; pages allow it by its digest.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  function make(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // Tables: a button in each column head; from the largest number or the first name on, then the other way, then as it was.

  function keyOf(cell) {
    const shown = [...cell.childNodes].filter((node) => node.nodeName !== "SMALL").map((node) => node.textContent).join("");
    const text = (cell.dataset.sort ?? shown).trim();
    if (text === "" || text === "–") return null;
    const value = Number(text.replaceAll(",", ""));
    return Number.isNaN(value) ? text : value;
  }

  function order(rows, column, descending) {
    const keyed = rows.map((row) => [keyOf(row.cells[column]), row]);
    const numbers = keyed.every(([key]) => key === null || typeof key === "number");
    const compare = numbers ? (a, b) => a - b : (a, b) => String(a).localeCompare(String(b), "en", { numeric: true });
    keyed.sort(([a], [b]) => {
      // What is not known is last either way.
      if (a === null || b === null) return (a === null) - (b === null);
      return descending ? compare(b, a) : compare(a, b);
    });
    return keyed.map(([, row]) => row);
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const first = [...body.rows];
    const heads = all("thead th", table);
    const moving = first.filter((row) => !("last" in row.dataset));
    const staying = first.filter((row) => "last" in row.dataset);
    heads.forEach((head) => {
      const column = head.cellIndex;
      const known = moving.map((row) => keyOf(row.cells[column])).filter((key) => key !== null);
      const firstWay = known.length && known.every((key) => typeof key === "number") ? "descending" : "ascending";
      const otherWay = firstWay === "ascending" ? "descending" : "ascending";
      const button = make("button", "sort");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const next = now === null ? firstWay : now === firstWay ? otherWay : null;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (next !== null) head.setAttribute("aria-sort", next);
        body.append(...(next === null ? first : [...order(moving, column, next === "descending"), ...staying]));
      });
    });
  }

  // Filters: choices and words over the data-* of items; headings of which nothing is left go, too.

  function filterable(controls) {
    const list = document.getElementById(controls.dataset.for);
    const items = all("[data-item]", list);
    const told = controls.querySelector("output");
    const fields = all("select, input", controls);

    function apply() {
      for (const item of items) {
        item.hidden = !fields.every((field) => {
          const value = item.dataset[field.dataset.key] ?? "";
          if (field.tagName === "SELECT") return field.value === "" || field.value === value;
          return value.toLowerCase().includes(field.value.trim().toLowerCase());
        });
      }
      for (const part of all("[data-part]", list)) {
        part.hidden = all("[data-item]", part).every((item) => item.hidden);
      }
      told.textContent = `${items.filter((item) => !item.hidden).length} of ${items.length} shown`;
    }

    fields.forEach((field) => field.addEventListener("input", apply));
    controls.querySelector("button").addEventListener("click", () => {
      fields.forEach((field) => { field.value = ""; });
      apply();
    });
    controls.hidden = false;
    apply();
  }

  // Curves: the values of the point that is nearest to the pointer, or, of curves over the same x, of all at its x.

  const told = (value) => (value === null ? "–" : value.toFixed(3));

  function readable(chart) {
    const data = JSON.parse(chart.querySelector("script").textContent);
    const svg = chart.querySelector("svg");
    const [cross, dot, tip] = [".cross", ".dot", ".tip"].map((name) => chart.querySelector(name));
    const swatches = all(".swatch", chart.parentElement);
    const across = (x) => data.left + data.side * x;
    const down = (y) => data.top + data.side * (1 - y);
    let curve = 0;
    let place = null;

    function row(index) {
      const line = make("div");
      const one = data.curves[index];
      line.append(swatches[index].cloneNode(true), make("b", "", told(one.y[place])), ` ${one.name}`);
      return line;
    }

    function tell() {
      const one = data.curves[curve];
      const [x, y] = [one.x[place], one.y[place]];
      tip.replaceChildren(make("div", "", `${data.x} ${told(x)}`));
      if (data.shared) {
        const falling = data.curves.map((_, index) => index).sort((a, b) => data.curves[b].y[place] - data.curves[a].y[place]);
        tip.append(...falling.map(row));
      } else {
        tip.append(make("div", "", `${data.y} ${told(y)}`));
        const at = one.threshold[place];
        tip.append(make("div", "", at === null ? "above every score" : `at a threshold of ${at}`));
        if (data.curves.length > 1) tip.append(row(curve));
      }
      cross.setAttribute("d", `M${across(x)} ${data.top}v${data.side}` + (data.shared ? "" : `M${data.left} ${down(y)}h${data.side}`));
      dot.setAttribute("cx", across(x));
      dot.setAttribute("cy", down(y));
      cross.removeAttribute("hidden");
      dot.toggleAttribute("hidden", data.shared && !chart.matches(":focus-visible"));
      tip.hidden = false;
      // On the side where there is room.
      tip.style.left = x < 0.5 ? `${(100 * (across(x) + 12)) / 360}%` : "auto";
      tip.style.right = x < 0.5 ? "auto" : `${100 - (100 * (across(x) - 12)) / 360}%`;
    }

    function hide() {
      tip.hidden = true;
      cross.setAttribute("hidden", "");
      dot.setAttribute("hidden", "");
      place = null;
    }

    function nearest(one, x, y) {
      let [found, least] = [0, Infinity];
      one.x.forEach((_, index) => {
        const far = data.shared ? Math.abs(one.x[index] - x) : Math.hypot(one.x[index] - x, one.y[index] - y);
        if (far < least) [found, least] = [index, far];
      });
      return [found, least];
    }

    function point(event) {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const [x, y] = [(at.x - data.left) / data.side, 1 - (at.y - data.top) / data.side];
      if (x < -0.05 || x > 1.05 || y < -0.05 || y > 1.05) return hide();
      const found = data.curves.map((one) => nearest(one, x, y));
      if (!data.shared) curve = found.reduce((best, [, far], index) => (far < found[best][1] ? index : best), 0);
      place = found[curve][0];
      return tell();
    }

    // To the next point that is a hundredth further along the curve, one way or the other.
    function step(way) {
      const one = data.curves[curve];
      const from = place;
      while (place + way >= 0 && place + way < one.x.length) {
        place += way;
        if (Math.hypot(one.x[place] - one.x[from], one.y[place] - one.y[from]) >= 0.01) break;
      }
    }

    function key(event) {
      const one = data.curves[curve];
      // A precision-recall curve begins at recall 1: "right" is always to the larger x.
      const right = one.x[0] < one.x[one.x.length - 1] ? 1 : -1;
      const ends = right > 0 ? [0, one.x.length - 1] : [one.x.length - 1, 0];
      const x = place === null ? null : one.x[place];
      if (event.key === "Escape") return hide();
      if (event.key === "Home" || event.key === "End") place = ends[event.key === "End" ? 1 : 0];
      else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
        if (place === null) place = ends[event.key === "ArrowLeft" ? 1 : 0];
        else step(event.key === "ArrowRight" ? right : -right);
      } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
        const n = data.curves.length;
        curve = (curve + (event.key === "ArrowDown" ? 1 : n - 1)) % n;
        const next = data.curves[curve];
        place = nearest(next, x ?? 0, x === null ? 0 : one.y[place])[0];
      } else return undefined;
      event.preventDefault();
      return tell();
    }

    chart.tabIndex = 0;
    chart.setAttribute("role", "group");
    chart.setAttribute("aria-label", `${data.y} against ${data.x}: arrow keys tell the values along a curve, up and down choose another`);
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    chart.addEventListener("keydown", key);
    chart.addEventListener("blur", hide);
  }

  // What is wider than the page scrolls by keyboard as well.
  function reachable() {
    for (const box of all(".scroll, .wide, pre")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }

  all("table.sortable").forEach(sortable);
  all(".filters").forEach(filterable);
  all(".chart").forEach(readable);
  reachable();
  window.addEventListener("resize", reachable);
})();
