"use strict";
(() => {
  const $ = (query, root = document) => [...root.querySelectorAll(query)];
  const make = (name, content, cls) => {
    const element = document.createElement(name);
    if (content !== undefined) element.textContent = content;
    if (cls) element.className = cls;
    return element;
  };
  const store = JSON.parse(document.getElementById("trials").textContent);

  // Sorting: every column of a sortable table, numbers by data-v, unknown ones last.
  const key = (row, k) => {
    const cell = row.cells[k];
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent.trim();
    return text === "–" || text === "" ? null : text.toLowerCase();
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
  const sort = (table, head) => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    $("thead th", table).forEach((th) => th.hasAttribute("aria-sort") && th.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => [key(row, head.cellIndex), place, row]);
    rows.sort(([a, i], [b, j]) => (a === null) - (b === null) || (a === null ? 0 : compare(a, b) * (up ? 1 : -1)) || i - j);
    body.append(...rows.map((entry) => entry[2]));
  };
  const sortable = (root) =>
    $("table.sort thead th:not(.chart)", root).forEach((head) => {
      const button = make("button", head.textContent.trim());
      button.type = "button";
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sort(head.closest("table"), head));
    });
  sortable(document);

  // A task's page waits as text inside <noscript> until it is opened, so that a big report is there at once;
  // without scripts it simply stands there. The text is the page's own markup, escaped when it was written.
  const fill = (task) => {
    const text = task.querySelector(":scope > noscript");
    if (!text) return;
    const box = make("div");
    box.innerHTML = text.textContent;
    text.replaceWith(box);
    sortable(box);
    $(".pick", box).forEach((line) => {
      line.hidden = false;
      line.querySelector("select").addEventListener("change", (event) => rebase(event.target));
    });
  };
  $(".task").forEach((task) => {
    if (task.open) queueMicrotask(() => fill(task));
    task.querySelector("summary").addEventListener("click", () => fill(task));
    task.addEventListener("toggle", () => fill(task));
  });

  // Kinds of task as tabs; arrow keys move between them.
  const tabs = $("[role=tab]");
  const choose = (tab) =>
    tabs.forEach((other) => {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = other !== tab;
    });
  if (tabs.length) {
    tabs[0].parentElement.hidden = false;
    $("h3.print").forEach((title) => (title.hidden = true));
    tabs.forEach((tab, k) => {
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(k + step + tabs.length) % tabs.length];
        choose(next);
        next.focus();
      });
    });
    choose(tabs[0]);
  }
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    const tab = tabs.find((t) => t.getAttribute("aria-controls") === target.id);
    if (tab) choose(tab);
    if (target.matches(".task")) fill(target);
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  // Paper shows everything.
  let closed = [];
  addEventListener("beforeprint", () => {
    $(".task").forEach(fill);
    closed = $("details:not([open])");
    closed.forEach((d) => (d.open = true));
    $(".group, h3.print").forEach((g) => (g.hidden = false));
  });
  addEventListener("afterprint", () => {
    closed.forEach((d) => (d.open = false));
    if (tabs.length) {
      choose(tabs.find((t) => t.getAttribute("aria-selected") === "true"));
      $("h3.print").forEach((title) => (title.hidden = true));
    }
  });

  // Light and dark: the system's choice until the reader makes another.
  const theme = document.getElementById("theme");
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const caption = () => (theme.textContent = dark() ? "Light" : "Dark");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    caption();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", caption);
  caption();

  // One tooltip for the page, and the method under the pointer set off in its figure.
  const tip = document.getElementById("tip");
  const show = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(6, Math.min(x + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${y + 18 + height > innerHeight ? y - height - 10 : y + 18}px`;
  };
  document.addEventListener("pointermove", (event) => {
    const holder = event.target.closest?.("[data-t]");
    if (holder) show(holder.dataset.t, event.clientX, event.clientY);
    else tip.hidden = true;
  });
  document.addEventListener("focusin", (event) => {
    const holder = event.target.closest?.("[data-t]");
    if (!holder) return void (tip.hidden = true);
    const box = holder.getBoundingClientRect();
    show(holder.dataset.t, box.left, box.bottom - 12);
  });
  addEventListener("scroll", () => (tip.hidden = true), { passive: true });
  const methodOf = (element) => /(?:^|\s)(m\d+)(?:\s|$)/.exec(element?.getAttribute?.("class") ?? "")?.[1];
  let focused = [];
  const highlight = (place, method) => {
    focused.forEach((e) => e.classList.remove("dim", "hot"));
    focused = [];
    if (!place || !method) return;
    place.classList.add("dim");
    focused = [place, ...$(`.${method}`, place)];
    focused.slice(1).forEach((e) => e.classList.add("hot"));
  };
  document.addEventListener("pointerover", (event) => {
    const owner = event.target.closest?.(".panels figure .ln, .panels figure .mk, .lines li");
    highlight(owner?.closest(".panels, .task"), methodOf(owner));
  });

  // A cell's trials.
  const dialog = document.getElementById("drill");
  const three = (v) => (v == null ? "–" : Math.abs(v) >= 1000 || Number.isInteger(v) ? v.toLocaleString("en") : v.toPrecision(3));
  const drill = (t, m) => {
    const task = store.tasks[t];
    const trials = task.methods[m];
    if (!trials) return;
    document.getElementById("drill-title").textContent = `${store.methods[m]} on ${task.name}`;
    const table = make("table");
    const head = table.createTHead().insertRow();
    const titles = ["seed", "fold", task.metric, "fit s", "predict s", "memory MB", "parameters", "status"];
    titles.forEach((title, k) => head.append(make("th", title, k < 7 ? "n" : "t")));
    const body = table.createTBody();
    trials.v.forEach((value, k) => {
      const row = body.insertRow();
      const [seed, fold] = task.cells[trials.c ? trials.c[k] : k];
      const score = value === null ? "–" : value.toFixed(Math.min(task.digits + 1, 6));
      const numbers = [seed, fold, score, trials.f[k], trials.p[k], trials.m[k], trials.n[k]];
      numbers.forEach((v) => (row.insertCell().textContent = typeof v === "string" ? v : three(v)));
      [...row.cells].forEach((cell) => (cell.className = "n"));
      const [status, reason] = store.reasons[trials.r[k]];
      const last = row.insertCell();
      last.className = "t";
      last.textContent = reason ? `${status}: ${reason}` : status;
    });
    const box = make("div", undefined, "scroll");
    box.append(table);
    const link = make("a", "All methods and curves on this task");
    link.href = `#task-${t}`;
    link.addEventListener("click", () => dialog.close());
    const parts = [link, box];
    (store.settings[m] ?? []).forEach((text) => parts.push(make("pre", text)));
    dialog.querySelector("div").replaceChildren(...parts);
    dialog.showModal();
  };
  $("[data-c]").forEach((cell) => {
    const [t, m] = cell.dataset.c.split(",").map(Number);
    if (!store.tasks[t].methods[m]) return;
    cell.tabIndex = 0;
    cell.setAttribute("role", "button");
    cell.addEventListener("click", () => drill(t, m));
    cell.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      drill(t, m);
    });
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  // Differences from another baseline: the same strips and texts, moved.
  const xmlns = "http://www.w3.org/2000/svg";
  const draw = (name, attributes) => {
    const element = document.createElementNS(xmlns, name);
    Object.entries(attributes).forEach(([k, v]) => element.setAttribute(k, v));
    return element;
  };
  const signed = (v, digits) => {
    const text = Math.abs(v).toFixed(digits);
    return Number(text) === 0 ? text : (v < 0 ? "−" : "+") + text;
  };
  const pText = (p) => (p < 0.001 ? "<0.001" : p.toFixed(p < 0.1 ? 3 : 2));
  const rebase = (select) => {
    const t = Number(select.dataset.task);
    const task = store.tasks[t];
    const base = Number(select.value);
    const table = select.closest(".task").querySelector("table.trials");
    const at = (m) => new Map(task.methods[m].v.map((v, k) => [task.methods[m].c ? task.methods[m].c[k] : k, v]));
    const from = at(base);
    const rows = [...table.tBodies[0].rows].map((row) => {
      const m = Number(row.dataset.m);
      const dots = m === base ? [] : [...at(m)].filter(([k, v]) => v !== null && from.get(k) != null).map(([k, v]) => task.sign * (v - from.get(k)));
      return { row, m, dots, pair: m === base ? null : task.pairs[`${m},${base}`] ?? null };
    });
    const all = rows.flatMap((r) => [...r.dots, ...(r.pair ? r.pair.slice(0, 3).filter((v) => v !== null) : []), 0]);
    const low = Math.min(...all), high = Math.max(...all), pad = 0.05 * (high - low || 1);
    const place = (v) => (v - low + pad) / (high - low + 2 * pad);
    const pc = (v) => `${(100 * place(v)).toFixed(2)}%`;
    rows.forEach(({ row, m, dots, pair }) => {
      const strip = row.querySelector(".diff");
      const path = dots.map((v, k) => `M${Math.round(1000 * place(v))} ${Math.round(4 * (13 + 11 * (((k * 0.618034) % 1) - 0.5)))}h0`).join("");
      const nest = draw("svg", { class: "st", width: "100%", height: 26, viewBox: "0 0 1000 104", preserveAspectRatio: "none" });
      nest.append(draw("path", { class: "dt", d: path }));
      const parts = [draw("line", { class: "zero", x1: pc(0), x2: pc(0), y1: 0, y2: 26 }), nest];
      if (pair && pair[1] !== null) {
        const [from, to] = [1, 2].map((k) => Math.round(1000 * place(pair[k])));
        nest.append(draw("path", { class: "ci", d: `M${from} 52h${to - from}` }));
      }
      if (pair) parts.push(draw("use", { class: "mk", href: `#k-${store.rooms[m]}`, x: pc(pair[0]), y: 13 }));
      strip.replaceChildren(...parts);
      const cell = row.querySelector("td.dx");
      if (cell) {
        cell.textContent = pair ? signed(pair[0], task.digits) : "–";
        pair ? (cell.dataset.v = pair[0]) : delete cell.dataset.v;
      }
      const p = row.querySelector("td.px");
      if (p) {
        p.textContent = pair && pair[3] !== null ? pText(pair[3]) : "–";
        pair && pair[3] !== null ? (p.dataset.v = pair[3]) : delete p.dataset.v;
      }
    });
    const axis = table.querySelector("thead .diffaxis");
    if (axis) {
      const mark = (v, anchor) => {
        const label = draw("text", { x: pc(v), y: 11, "text-anchor": anchor });
        label.textContent = signed(v, task.digits);
        return label;
      };
      axis.replaceChildren(...[...new Set([low, 0, high])].map((v) => mark(v, v === low ? "start" : v === high ? "end" : "middle")));
    }
  };
})();
