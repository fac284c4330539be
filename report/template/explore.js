// Explore: filters, linked pictures and scoring on the data inside the page. No text is ever read as HTML.
const SHAPES = { // unit paths, as the figures draw the segments
  "●": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z", "■": "M-.9-.9h1.8v1.8h-1.8z", "◆": "M0-1.3L1 0L0 1.3L-1 0z",
  "▲": "M0-1.15L1.1.85H-1.1z", "▼": "M0 1.15L1.1-.85H-1.1z", "✚": "M-.4-1.1h.8v.7h.7v.8h-.7v.7h-.8v-.7h-.7v-.8h.7z",
  "✖": "M-1-.5L-.5-1L0-.5L.5-1L1-.5L.5 0L1 .5L.5 1L0 .5L-.5 1L-1 .5L-.5 0z",
  "★": "M0-1.3L.35-.4L1.3-.4L.55.2L.8 1.1L0 .55L-.8 1.1L-.55.2L-1.3-.4L-.35-.4z",
  "◀": "M-1.15 0L.85-1.1V1.1z", "▶": "M1.15 0L-.85-1.1V1.1z",
};
const held = document.getElementById("explore-data");
if (held) explore(JSON.parse(held.textContent));

function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "text", "rect", "title"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// As core/files writes it: no text is a formula to a spreadsheet.
function csvCell(words) {
  const [formula, plain] = [words.formula, words.number].map((pattern) => new RegExp(pattern));
  return (value) => {
    const text = value === null ? "" : String(value);
    const safe = typeof value === "string" && formula.test(text) && !plain.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
}

// Placing as model.json describes it
function unskewed(x, power) { // Yeo & Johnson 2000
  if (power === 1) return x;
  if (x >= 0) return power === 0 ? Math.log1p(x) : ((1 + x) ** power - 1) / power;
  return power === 2 ? -Math.log1p(-x) : -((1 - x) ** (2 - power) - 1) / (2 - power);
}
const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
// Of each feature its columns: a number, or 1 and 0 for each category, of which a value is the place from 1
const scaled = (model, values) => model.features.map((f, i) => (f.categories
  ? f.categories.map((_, j) => (values[i] === j + 1 ? 1 : 0)) : [(unskewed(values[i], f.lambda) - f.centre) / f.spread]));
function placed(model, values) {
  const z = scaled(model, values).flat(), near = model.centroids.map((c) => Math.hypot(...c.map((v, i) => v - z[i])));
  const square = (q) => (q ? dot(z, q.map((row) => dot(row, z))) : 0);
  const scores = model.scores ? model.scores.map((s) => s.constant + dot(s.linear, z) + square(s.quadratic)) : near;
  const [least, next] = [...scores].sort((a, b) => a - b), own = scores.indexOf(least);
  const found = { segment: own + 1, distance: near[own], margin: next === undefined ? null : next - least, probability: null };
  if (!model.scores) return found; // of K-Means, where the nearest centroid wins
  const probability = 1 / scores.reduce((sum, s) => sum + Math.exp((least - s) / 2), 0);
  return { ...found, probability, margin: next === undefined ? null : probability * (1 - Math.exp((least - next) / 2)) };
}

function explore(data) {
  const section = document.getElementById("explore");
  const at = (name) => section.querySelector(`[data-part="${name}"]`);
  const number = (value, column) => value.toLocaleString("en", { maximumSignificantDigits: 12, useGrouping: !isYear(value, column) });
  const isYear = (value, column) => Boolean(column?.years) && value >= column.years[0] && value <= column.years[1];
  // As core/text.shares tells the parts of a whole: the largest remainders, and together 100%.
  function shares(counts) {
    const total = counts.reduce((a, b) => a + b, 0) || 1, few = counts.map((n) => n > 0 && 100 * n < total);
    const left = counts.reduce((sum, n, i) => (few[i] ? sum : sum + n), 0), rest = counts.map((n) => (100 * n) % total);
    const told = counts.map((n, i) => (few[i] ? 0 : Math.floor((100 * n) / total)));
    const most = Math.min(Math.floor((200 * left + total) / (2 * total)), few.includes(true) ? 99 : 100);
    const order = counts.map((_, i) => i).filter((i) => !few[i]).sort((i, j) => rest[j] - rest[i] || counts[j] - counts[i]);
    for (const i of order.slice(0, most - told.reduce((a, b) => a + b, 0))) told[i] += 1;
    return told.map((part, i) => (few[i] ? data.words.under : `${part}%`));
  }
  const withUnit = (value, column) => number(value, column) + (column.unit ? ` ${column.unit}` : "");
  const segmentOf = Object.fromEntries(data.segments.map((s) => [s.segment, s]));
  const chosen = { segments: new Set(data.segments.map((s) => s.segment)), levels: {}, ranges: {} };
  const rows = data.rows;
  let points = [], current = -1;

  // Which rows are shown
  function passes(i) {
    if (!chosen.segments.has(rows.segment[i])) return false;
    for (const [name, levels] of Object.entries(chosen.levels)) if (!levels.has(rows[name][i])) return false;
    for (const [name, [low, high]] of Object.entries(chosen.ranges)) {
      const value = rows[name][i];
      if ((low !== null || high !== null) && (value === null || value < (low ?? value) || value > (high ?? value))) return false;
    }
    return true;
  }
  const shownRows = () => rows.segment.map((_, i) => i).filter(passes);

  // Filters
  function boxes(title, items, chosenSet) {
    return make("fieldset", {}, make("legend", {}, title), ...items.map(({ value, label, colour, glyph }) => {
      const box = make("input", { type: "checkbox", checked: true, onchange: () => {
        if (box.checked) chosenSet.add(value); else chosenSet.delete(value);
        update();
      } });
      const mark = glyph ? make("span", { "aria-hidden": "true", style: `color:${colour}` }, `${glyph} `) : "";
      return make("label", {}, box, " ", mark, label);
    }));
  }
  function range(column) {
    const values = rows[column.name].filter((value) => value !== null);
    const least = values.reduce((a, b) => Math.min(a, b)), most = values.reduce((a, b) => Math.max(a, b));
    chosen.ranges[column.name] = [null, null];
    const inputs = ["from", "to"].map((word, side) => make("label", {}, `${word} `, numberInput(column, {
      placeholder: String(side ? most : least),
      oninput: (event) => {
        const value = read(event.target);
        chosen.ranges[column.name][side] = Number.isNaN(value) ? null : value;
        update();
      },
    })));
    return make("fieldset", {}, make("legend", {}, column.axis), ...inputs);
  }
  const numberInput = (column, more) => make("input", { type: "text", inputmode: "decimal", autocomplete: "off", "data-label": column.label, ...more });
  // What was typed as a number, null for nothing, NaN for what is none: a decimal comma must not become another number.
  function read(input) {
    const text = input.value.trim(), value = text === "" ? null : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
    input.setAttribute("aria-invalid", Number.isNaN(value));
    return value;
  }
  function faults(form) {
    return [...form.querySelectorAll('[aria-invalid="true"]')].map((input) =>
      `${input.dataset.label}: found “${input.value.trim()}”, expected a number with a point and no unit, such as 3.5.`).join(" ");
  }
  function buildFilters() {
    const form = at("filters");
    form.replaceChildren(boxes("Segment", data.segments.map((s) => ({ value: s.segment, label: s.name, ...s })), chosen.segments));
    if (!rows) return;
    for (const category of data.categories) {
      chosen.levels[category.name] = new Set(category.levels.map((_, code) => code)).add(-1);
      const items = category.levels.map((label, value) => ({ value, label }));
      if (rows[category.name].includes(-1)) items.push({ value: -1, label: "not known" });
      form.append(boxes(category.label, items, chosen.levels[category.name]));
    }
    form.append(...data.numbers.map(range));
  }

  // What the scatter shows: one mark a row, or one for the groups of a segment in a cell
  function marks(x, y) {
    if (rows && x.item && y.item) return answers(x, y);
    if (rows) {
      return shownRows().filter((i) => rows[x.name][i] !== null && rows[y.name][i] !== null).map((i) => ({
        x: rows[x.name][i], y: rows[y.name][i], segment: rows.segment[i], size: 4, told: describe(i),
      }));
    }
    const grid = data.grids.find((g) => (g.x === x.name && g.y === y.name) || (g.x === y.name && g.y === x.name));
    if (!grid) return [];
    const turned = grid.x !== x.name, most = Math.max(...grid.cells.map((cell) => cell[3]));
    return grid.cells.filter((cell) => chosen.segments.has(cell[0])).map(([segment, i, j, n]) => {
      const [a, b] = turned ? [j, i] : [i, j], ex = data.edges[x.name], ey = data.edges[y.name];
      const turn = (2 * Math.PI * segment) / data.segments.length, off = data.segments.length > 1 ? 0.18 : 0;
      return {
        x: within(x, ex[a], ex[a + 1], 0.5 + off * Math.cos(turn)), y: within(y, ey[b], ey[b + 1], 0.5 + off * Math.sin(turn)),
        segment, size: 3 + 11 * Math.sqrt(n / most),
        told: `${segmentOf[segment].name}: about ${number(n)} customers with ${band(x, ex[a], ex[a + 1])} and ${band(y, ey[b], ey[b + 1])}`,
      };
    });
  }
  // Of answers only whole numbers are in a cell: that at which the next one begins is not.
  function band(column, from, to) {
    const [low, high] = column.item ? [Math.ceil(from), Math.ceil(to) - 1] : [from, to];
    return low < high ? `${column.label} from ${number(low, column)} to ${withUnit(high, column)}` : `${column.label} ${withUnit(low, column)}`;
  }
  // Answers are few points on a grid: one mark for the customers of a segment who give the same two, beside the others.
  function answers(x, y) {
    const found = new Map();
    for (const i of shownRows()) {
      const key = [rows.segment[i], rows[x.name][i], rows[y.name][i]];
      if (!key.includes(null)) found.set(key.join(), { key, n: (found.get(key.join())?.n ?? 0) + 1 });
    }
    const most = Math.max(1, ...[...found.values()].map(({ n }) => n));
    return [...found.values()].map(({ key: [segment, a, b], n }) => {
      const turn = (2 * Math.PI * segment) / data.segments.length, off = data.segments.length > 1 ? 0.2 : 0;
      return {
        x: a + off * Math.cos(turn), y: b + off * Math.sin(turn), segment, size: 3 + 15 * Math.sqrt(n / most),
        told: `${segmentOf[segment].name}: ${number(n)} customer${n > 1 ? "s" : ""} with ${x.label} ${withUnit(a, x)} and ${y.label} ${withUnit(b, y)}`,
      };
    });
  }
  function within(column, from, to, share) {
    const [low, high] = [bend(column, from), bend(column, to)];
    return unbend(column, low + share * (high - low));
  }
  function describe(i) {
    const parts = data.numbers.filter((c) => rows[c.name][i] !== null).map((c) => `${c.label} ${withUnit(rows[c.name][i], c)}`);
    parts.push(...data.categories.filter((c) => rows[c.name][i] >= 0).map((c) => `${c.label} ${c.levels[rows[c.name][i]]}`));
    return `${segmentOf[rows.segment[i]].name}: ${parts.join(", ")}`;
  }

  // Pictures
  const bend = (column, v) => (column.logged ? Math.sign(v) * Math.log1p(Math.abs(v)) : v);
  const unbend = (column, v) => (column.logged ? Math.sign(v) * Math.expm1(Math.abs(v)) : v);
  function drawScatter() {
    const [x, y] = ["x", "y"].map((axis) => data.numbers[at(axis).value]);
    const box = at("scatter"), width = Math.max(280, Math.min(720, box.clientWidth)), height = Math.round(width * 0.66);
    const scale = (column, from, to) => {
      const t = column.ticks, beside = column.item ? 0.4 : 0;
      const [low, high] = [t[0] - beside, t[t.length - 1] + beside].map((end) => bend(column, end));
      const place = (v) => from + ((bend(column, v) - low) / (high - low || 1)) * (to - from);
      return { t, place };
    };
    const sx = scale(x, 66, width - 10), sy = scale(y, height - 44, 10);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    let free = 0;
    for (const t of sx.t) {
      svg.append(make("line", { x1: sx.place(t), x2: sx.place(t), y1: 10, y2: height - 44, class: "grid" }));
      const half = 4 * number(t, x).length, middle = Math.min(sx.place(t), width - half);
      if (middle - half < free) continue;
      svg.append(make("text", { x: middle, y: height - 28, "text-anchor": "middle" }, number(t, x)));
      free = middle + half;
    }
    for (const t of sy.t) svg.append(
      make("line", { x1: 66, x2: width - 10, y1: sy.place(t), y2: sy.place(t), class: "grid" }),
      make("text", { x: 60, y: sy.place(t) + 4, "text-anchor": "end" }, number(t, y)));
    const fit = (text, room) => {
      const letters = [...text], cut = letters.findIndex((letter) => (room -= letter > "\u2e7f" ? 12 : 6) < 0);
      return cut < 0 ? text : `${letters.slice(0, cut - 1).join("")}…`;
    };
    svg.append(make("text", { x: (66 + width) / 2, y: height - 6, "text-anchor": "middle" }, fit(x.axis, width - 76)),
      make("text", { transform: `translate(12 ${(height - 34) / 2}) rotate(-90)`, "text-anchor": "middle" }, fit(y.axis, height - 54)));
    points = marks(x, y).map((mark) => ({ ...mark, px: sx.place(mark.x), py: sy.place(mark.y) })).sort((a, b) => a.px - b.px || a.py - b.py);
    for (const p of points) svg.append(make("path", {
      d: SHAPES[segmentOf[p.segment].glyph], transform: `translate(${p.px.toFixed(1)} ${p.py.toFixed(1)}) scale(${p.size.toFixed(1)})`,
      fill: segmentOf[p.segment].colour, "fill-opacity": 0.8,
    }));
    box.querySelector("svg")?.remove();
    box.prepend(svg);
    point(-1);
  }
  function point(i) {
    current = i;
    const tip = at("tip"), p = points[i], box = at("scatter"), svg = box.querySelector("svg");
    svg.querySelector(".ring")?.remove();
    tip.hidden = !p;
    tip.textContent = p ? p.told : "";
    if (!p) return;
    svg.append(make("path", { d: SHAPES["●"], transform: `translate(${p.px} ${p.py}) scale(${p.size + 4})`, class: "ring" }));
    const zoom = svg.clientWidth / svg.viewBox.baseVal.width;
    tip.style.left = `${Math.max(0, Math.min(p.px * zoom - 20, box.clientWidth - tip.offsetWidth))}px`;
    tip.style.top = `${p.py * zoom + 14}px`;
  }
  function nearest(event) {
    const svg = at("scatter").querySelector("svg"), frame = svg.getBoundingClientRect(), zoom = svg.viewBox.baseVal.width / frame.width;
    const [x, y] = [(event.clientX - frame.left) * zoom, (event.clientY - frame.top) * zoom];
    let best = -1, least = 24 ** 2;
    points.forEach((p, i) => {
      const distance = (p.px - x) ** 2 + (p.py - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    });
    if (best !== current) point(best);
  }
  function keys(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") point(-1);
    else if (event.key === "Home") point(0);
    else if (event.key === "End") point(points.length - 1);
    else if (step) point(Math.max(0, Math.min(points.length - 1, current + step)));
    else return;
    event.preventDefault();
  }

  function counts() {
    const found = Object.fromEntries(data.segments.map((s) => [s.segment, 0]));
    if (rows) for (const i of shownRows()) found[rows.segment[i]] += 1;
    else for (const s of data.segments) if (chosen.segments.has(s.segment)) found[s.segment] = s.size;
    return found;
  }
  function drawSizes(found, total) {
    const most = Math.max(1, ...Object.values(found)), bars = [];
    const donut = make("svg", { viewBox: "-105 -105 210 210", "aria-hidden": "true" });
    let angle = -Math.PI / 2;
    const told = shares(data.segments.map((s) => found[s.segment]));
    data.segments.forEach((s, i) => {
      const n = found[s.segment], share = total ? n / total : 0;
      bars.push(make("p", {}, `${s.glyph} ${s.name}: ${number(n)} (${told[i]})`),
        make("svg", { viewBox: "0 0 100 5", "aria-hidden": "true" }, make("rect", { width: Math.max(0.5, (100 * n) / most), height: 5, fill: s.colour })));
      if (!n) return;
      const end = angle + 2 * Math.PI * Math.min(share, 0.9999), large = share > 0.5 ? 1 : 0;
      const on = (radius, a) => `${(radius * Math.cos(a)).toFixed(2)} ${(radius * Math.sin(a)).toFixed(2)}`;
      donut.append(make("path", { fill: s.colour, class: "slice",
        d: `M${on(100, angle)}A100 100 0 ${large} 1 ${on(100, end)}L${on(58, end)}A58 58 0 ${large} 0 ${on(58, angle)}z` }));
      angle = end;
    });
    donut.append(make("text", { "text-anchor": "middle", y: 2, class: "total", style: total > 9999 ? "font-size:24px" : null }, number(total)), make("text", { "text-anchor": "middle", y: 20 }, "customers"));
    at("bars").replaceChildren(...bars);
    at("donut").replaceChildren(donut);
  }

  function update() {
    const found = counts(), total = Object.values(found).reduce((a, b) => a + b, 0), all = rows ? rows.segment.length : data.customers;
    const each = data.segments.filter((s) => found[s.segment]).map((s) => `${s.name} ${number(found[s.segment])}`).join(", ");
    at("status").textContent = `${number(total)} of ${number(all)} customers shown${each ? `: ${each}` : ""}. ${faults(at("filters"))}`;
    drawScatter();
    drawSizes(found, total);
  }

  function download() {
    const cell = csvCell(data.words);
    const head = ["segment", "name", ...data.numbers.map((c) => c.name), ...data.categories.map((c) => c.name)];
    const lines = shownRows().map((i) => [rows.segment[i], segmentOf[rows.segment[i]].name, ...data.numbers.map((c) => rows[c.name][i]),
      ...data.categories.map((c) => c.levels[rows[c.name][i]] ?? null)]);
    const text = [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
    const link = make("a", { href: URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" })), download: "customers.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Scoring, as model.json describes it
  function buildQuestion() {
    if (!data.model.centroids.length) { at("answer").textContent = data.words.unasked; return; }
    const inputs = data.model.features.map((f) => (f.levels || f.categories ? levelSelect(f) : numberInput(f, { oninput: answer })));
    at("ask").replaceChildren(...data.model.features.map((f, i) => make("label", {}, `${f.axis} `, inputs[i])));
    function levelSelect(f) {
      const options = ["", ...(f.levels ?? [...f.categories, data.words.another])].map((label, rank) => make("option", { value: rank || "" }, label)).filter((o) => o.textContent || !o.value); // what is hidden is not offered
      return make("select", { "data-label": f.label, onchange: answer }, ...options);
    }
    function answer() {
      const values = inputs.map(read);
      if (values.includes(NaN)) { at("answer").textContent = faults(at("ask")); return; }
      const wrong = data.model.features.filter((f, i) => values[i] !== null && (values[i] < (f.min ?? -Infinity) || values[i] > (f.max ?? Infinity)));
      if (wrong.length) { at("answer").textContent = wrong.map((f) => `${f.label} must be ${limits(f)}.`).join(" "); return; }
      at("answer").textContent = values.includes(null) ? shortly(values) : score(values);
    }
    answer();
  }
  const limits = (f) => [f.min === null ? "" : `at least ${number(f.min, f)}`, f.max === null ? "" : `at most ${number(f.max, f)}`].filter(Boolean).join(" and ");
  // The longest of the short forms whose questions are all answered; before that, which answers are enough
  function shortly(values) {
    const form = data.model.short.filter((s) => s.asked.every((i) => values[i] !== null)).pop();
    const right = (s) => `${Math.floor(100 * s.right)} of 100 customers are placed rightly`;
    const which = (s) => s.asked.map((i) => data.model.features[i].label).join(", ");
    if (!form) return data.model.short.length ? `Enough to answer: ${which(data.model.short[0])}. By these alone ${right(data.model.short[0])}.` : "";
    const every = scaled(data.model, values), z = form.asked.flatMap((i) => every[i]), scores = form.constants.map((c, j) => c + dot(form.weights[j], z));
    const segment = segmentOf[form.segments[scores.indexOf(Math.max(...scores))]];
    return `${segment.glyph} Probably segment ${segment.segment}, ${segment.name}. By these answers (${which(form)}) ${right(form)}.`;
  }
  function score(values) {
    const { segment: own, distance, margin: ahead, probability } = placed(data.model, values), segment = segmentOf[own];
    const outside = data.model.features.filter((f, i) => !f.categories && (values[i] < f.low || values[i] > f.high));
    const margin = ahead === null ? "" : `, margin ${ahead.toFixed(3)}`; // one segment alone has no next one
    const sure = probability === null ? "" : ` Probability ${probability.toFixed(3)}${margin}.`;
    return `${segment.glyph} Segment ${segment.segment}, ${segment.name}.${sure} Distance ${distance.toFixed(3)}${sure ? "" : margin}, in ${data.model.unit}.` +
      outside.map((f) => ` Careful: ${f.label} is outside of the data (${number(f.low, f)} to ${withUnit(f.high, f)}${data.words.range}).`).join("");
  }

  section.hidden = false;
  buildFilters();
  buildQuestion();
  const formed = data.model.features.filter((f) => !f.categories);
  ["x", "y"].forEach((axis, i) => {
    at(axis).replaceChildren(...data.numbers.map((c, j) => make("option", { value: j }, c.axis)));
    at(axis).value = data.numbers.findIndex((c) => c.name === (formed[i] ?? formed[0] ?? data.numbers[i] ?? data.numbers[0]).name);
    at(axis).addEventListener("change", drawScatter);
  });
  const plot = at("scatter");
  for (const name of ["pointermove", "pointerdown"]) plot.addEventListener(name, nearest);
  plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && point(-1));
  plot.addEventListener("keydown", keys);
  plot.addEventListener("blur", () => point(-1));
  at("reset").addEventListener("click", () => {
    chosen.segments = new Set(data.segments.map((s) => s.segment));
    buildFilters();
    update();
  });
  if (rows) at("download").addEventListener("click", download);
  let width = 0;
  new ResizeObserver(() => {
    if (section.clientWidth !== width) { width = section.clientWidth; update(); }
  }).observe(section);
}
