"use strict";
(() => {
  const { charts, palettes } = JSON.parse(document.getElementById("page-data").textContent);
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () => root.dataset.theme || (system.matches ? "dark" : "light");

  // Colours are written as names ($accent); fill in those of the theme.
  const paint = (value, palette) => {
    if (typeof value === "string") return value[0] === "$" ? palette[value.slice(1)] : value;
    if (Array.isArray(value)) return value.map((item) => paint(item, palette));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, paint(item, palette)]));
    }
    return value;
  };

  const config = { displaylogo: false, responsive: true, displayModeBar: false };
  const drawn = new Set();
  const draw = (chart) => {
    const { traces, layout } = paint(chart, palettes[theme()]);
    Plotly.react(chart.name, traces, layout, config);
    drawn.add(chart);
  };

  // Draw a chart when it comes near the window: a long page opens at once.
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((item) => item.isIntersecting)) {
      draw(charts.find((chart) => chart.name === entry.target.id));
      near.unobserve(entry.target);
    }
  }, { rootMargin: "900px" });
  for (const chart of charts) near.observe(document.getElementById(chart.name));
  window.addEventListener("beforeprint", () => charts.filter((chart) => !drawn.has(chart)).forEach(draw));

  const redraw = () => drawn.forEach(draw);
  system.addEventListener("change", redraw);
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = theme() === "dark" ? "light" : "dark";
    redraw();
  });

  // A long table opens with its first rows; without scripts and on paper it stands whole.
  for (const table of document.querySelectorAll("table[data-shown]")) {
    const rows = [...table.tBodies[0].rows];
    const button = document.createElement("button");
    button.type = "button";
    button.className = "more";
    const fold = (folded) => {
      rows.slice(Number(table.dataset.shown)).forEach((row) => row.classList.toggle("folded", folded));
      button.textContent = folded ? `Show all ${rows.length} rows` : "Show fewer";
      button.setAttribute("aria-expanded", String(!folded));
    };
    button.addEventListener("click", () => fold(button.getAttribute("aria-expanded") === "true"));
    table.parentElement.after(button);
    fold(true);
  }

  const links = new Map([...document.querySelectorAll("nav li a")].map((link) => [link.hash.slice(1), link]));
  const parts = [...document.querySelectorAll("section.part")];
  const follow = () => {
    const current = parts.filter((part) => part.getBoundingClientRect().top < window.innerHeight * 0.35).pop();
    links.forEach((link, name) => link.classList.toggle("here", current !== undefined && name === current.id));
  };
  window.addEventListener("scroll", follow, { passive: true });
  follow();
})();
