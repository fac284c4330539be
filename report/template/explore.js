// Explore: filters, linked pictures and scoring on the data inside the page. No text is ever read as HTML.
const SHAPES = { // unit paths, as the figures draw the segments
  "●": "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z", "■": "M-.9-.9h1.8v1.8h-1.8z", "◆": "M0-1.3L1 0L0 1.3L-1 0z",
  "▲": "M0-1.15L1.1.85H-1.1z", "▼": "M0 1.15L1.1-.85H-1.1z", "✚": "M-.4-1.1h.8v.7h.7v.8h-.7v.7h-.8v-.7h-.7v-.8h.7z",
  "✖": "M-1-.5L-.5-1L0-.5L.5-1L1-.5L.5 0L1 .5L.5 1L0 .5L-.5 1L-1 .5L-.5 0z",
  "★": "M0-1.3L.35-.4L1.3-.4L.55.2L.8 1.1L0 .55L-.8 1.1L-.55.2L-1.3-.4L-.35-.4z",
  "◀": "M-1.15 0L.85-1.1V1.1z", "▶": "M1.15 0L-.85-1.1V1.1z",
};
const GRID = { stroke: "currentColor", "stroke-opacity": 0.15 };

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
  if (next !== undefined) found.next = scores.findIndex((s, i) => i !== own && s === next) + 1;
  if (!model.scores) return found; // of K-Means, where the nearest centroid wins
  const probability = 1 / scores.reduce((sum, s) => sum + Math.exp((least - s) / 2), 0);
  return { ...found, probability, margin: next === undefined ? null : probability * (1 - Math.exp((least - next) / 2)) };
}

// Numbers as the page's language writes them, and as people type them
const written = (value, more) => new Intl.NumberFormat(LANGUAGE, { maximumSignificantDigits: 12, ...more }).format(value);
const decimals = (value, digits) => written(value, { minimumFractionDigits: digits, maximumFractionDigits: digits, maximumSignificantDigits: undefined });
const listed = (parts) => new Intl.ListFormat(LANGUAGE, { type: "conjunction" }).format(parts);
// Both marks are understood: "1,191.50" and "1.191,50". Where only one stands there, before three digits ("1,191"), it is what
// it is in the language of the page. NaN of what is no number, null of nothing.
function numberOf(typed, language = LANGUAGE) {
  const text = typed.trim().replace(/(?<=\d)[\s\u00a0\u202f'’](?=\d{3}(?!\d))/g, "").replace(/^\u2212/, "-");
  if (!text) return null;
  const [, sign, figures, power = ""] = /^([+-]?)([\d.,]*\d[.,]?)(e[+-]?\d+)?$/i.exec(text) ?? [];
  if (figures === undefined) return NaN;
  const grouped = new Intl.NumberFormat(language).formatToParts(1234567).find((part) => part.type === "group")?.value;
  const last = figures.match(/[.,](?=[^.,]*$)/)?.[0], marks = new Set(figures.match(/[.,]/g));
  const many = figures.split(last).length > 2, three = /^[1-9]\d{0,2}[.,]\d{3}$/.test(figures);
  const decimal = marks.size === 2 ? last : !last || many || (three && last === grouped) ? null : last;
  const [whole, rest = ""] = decimal ? [figures.slice(0, figures.lastIndexOf(decimal)), figures.slice(figures.lastIndexOf(decimal) + 1)] : [figures];
  if (/[.,]/.test(whole) && !/^\d{1,3}(?:\.\d{3})+$|^\d{1,3}(?:,\d{3})+$/.test(whole)) return NaN;
  return Number(`${sign}${whole.replace(/[.,]/g, "") || 0}.${rest || 0}${power}`);
}

function explore(data) {
  const section = document.getElementById("explore");
  const at = (name) => section.querySelector(`[data-part="${name}"]`);
  const number = (value, column) => written(value, { useGrouping: isYear(value, column) ? false : "auto" });
  const isYear = (value, column) => Boolean(column?.years) && value >= column.years[0] && value <= column.years[1];
  // As core/text.shares tells the parts of a whole: the largest remainders, and together 100%.
  function shares(counts) {
    const total = counts.reduce((a, b) => a + b, 0) || 1, few = counts.map((n) => n > 0 && 100 * n < total);
    const left = counts.reduce((sum, n, i) => (few[i] ? sum : sum + n), 0), rest = counts.map((n) => (100 * n) % total);
    const told = counts.map((n, i) => (few[i] ? 0 : Math.floor((100 * n) / total)));
    const most = Math.min(Math.floor((200 * left + total) / (2 * total)), few.includes(true) ? 99 : 100);
    const order = counts.map((_, i) => i).filter((i) => !few[i]).sort((i, j) => rest[j] - rest[i] || counts[j] - counts[i]);
    for (const i of order.slice(0, most - told.reduce((a, b) => a + b, 0))) told[i] += 1;
    return told.map((part, i) => (few[i] ? data.words.under : written(part / 100, { style: "percent" })));
  }
  const withUnit = (value, column) => number(value, column) + (column.unit ? `${column.unit === "%" && LANGUAGE === "en" ? "" : " "}${column.unit}` : "");
  const segmentOf = Object.fromEntries(data.segments.map((s) => [s.segment, s]));
  const chosen = { segments: new Set(data.segments.map((s) => s.segment)), levels: {}, ranges: {} };
  const marked = { area: null, segments: new Set() }; // a rectangle of two columns, and bars
  const rows = data.rows && Object.fromEntries(Object.entries(data.rows).map(([name, column]) => [name, unpacked(column)]));
  let points = [], current = -1, from = -1, frame = null, drag = null;

  // A column of rows, from codes of one or two bytes as report/explore packs them; 0 is nothing known
  function unpacked({ codes, wide, values, least, places }) {
    const bytes = Uint8Array.from(atob(codes), (c) => c.charCodeAt(0)), told = [null];
    const each = wide ? Array.from({ length: bytes.length / 2 }, (_, i) => bytes[2 * i] + 256 * bytes[2 * i + 1]) : Array.from(bytes);
    return each.map((code) => (code ? (told[code] ??= values ? values[code - 1] : Number(`${least + code - 1}e${-places}`)) : null));
  }

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
    const inputs = [T("from"), T("up to")].map((word, side) => make("label", {}, `${word} `, numberInput(column, {
      placeholder: number(side ? most : least, column),
      oninput: (event) => {
        const value = read(event.target);
        chosen.ranges[column.name][side] = Number.isNaN(value) ? null : value;
        update();
      },
    })));
    return make("fieldset", {}, make("legend", {}, column.axis), ...inputs);
  }
  const numberInput = (column, more) => make("input", { type: "text", inputmode: "decimal", autocomplete: "off", "data-label": column.label, size: Math.max(10, (more.placeholder ?? "").length + 2), ...more });
  function read(input) {
    const value = input.tagName === "SELECT" ? (input.value === "" ? null : Number(input.value)) : numberOf(input.value);
    input.setAttribute("aria-invalid", Number.isNaN(value));
    return value;
  }
  function faults(form) {
    return [...form.querySelectorAll('[aria-invalid="true"]')].map((input) => T(
      "{label}: found “{text}”, expected a number without a unit, such as {example}.",
      { label: input.dataset.label, text: input.value.trim(), example: written(3.5) })).join(" ");
  }
  function buildFilters() {
    const form = at("filters");
    form.replaceChildren(boxes(T("Segment"), data.segments.map((s) => ({ value: s.segment, label: s.name, ...s })), chosen.segments));
    if (!rows) return;
    for (const category of data.categories) {
      chosen.levels[category.name] = new Set(category.levels.map((_, code) => code)).add(-1);
      const items = category.levels.map((label, value) => ({ value, label }));
      if (rows[category.name].includes(-1)) items.push({ value: -1, label: T("not known") });
      form.append(boxes(category.label, items, chosen.levels[category.name]));
    }
    form.append(...data.numbers.map(range));
  }
  // What is left out, in one line
  function filtered() {
    const parts = [[T("Segment"), data.segments.filter((s) => chosen.segments.has(s.segment)).map((s) => s.name), data.segments.length]];
    for (const c of rows ? data.categories : []) {
      const kept = chosen.levels[c.name], levels = c.levels.filter((_, code) => kept.has(code));
      parts.push([c.label, kept.has(-1) && rows[c.name].includes(-1) ? [...levels, T("not known")] : levels, c.levels.length + rows[c.name].includes(-1)]);
    }
    const told = parts.filter(([, kept, all]) => kept.length < all).map(([label, kept, all]) => (kept.length > 3
      ? T("{label}: {n} of {all}", { label, n: number(kept.length), all: number(all) }) : T("{label}: {values}", { label, values: kept.length ? listed(kept) : T("none") })));
    for (const c of rows ? data.numbers : []) {
      const [low, high] = chosen.ranges[c.name].map((end) => end !== null && withUnit(end, c)), label = c.label;
      if (low && high) told.push(T("{label} from {low} to {high}", { label, low, high }));
      else if (low) told.push(T("{label} from {low}", { label, low }));
      else if (high) told.push(T("{label} up to {high}", { label, high }));
    }
    return told.length ? T("Filters: {filters}", { filters: told.join(T("; ")) }) : T("Filters: none");
  }

  // What the scatter shows: one mark a row, or one for those who give the same two answers, or for the groups in a cell
  function marks(x, y) {
    const ids = rows ? shownRows().filter((i) => rows[x.name][i] !== null && rows[y.name][i] !== null) : [];
    if (rows && x.item && y.item) return answers(ids, x, y);
    if (rows) return ids.map((i) => ({ ...spot(i, x, y), segment: rows.segment[i], size: 4, ids: [i], told: () => describe(i) }));
    const grid = data.grids.find((g) => (g.x === x.name && g.y === y.name) || (g.x === y.name && g.y === x.name));
    if (!grid) return [];
    const turned = grid.x !== x.name, most = Math.max(...grid.cells.map((cell) => cell[3]));
    return grid.cells.filter((cell) => chosen.segments.has(cell[0])).map(([segment, i, j, n]) => {
      const [a, b] = turned ? [j, i] : [i, j], ex = data.edges[x.name], ey = data.edges[y.name], [dx, dy] = beside(segment, 0.18);
      const told = { segment: segmentOf[segment].name, n: number(n), x: band(x, ex[a], ex[a + 1]), y: band(y, ey[b], ey[b + 1]) };
      return {
        x: within(x, ex[a], ex[a + 1], 0.5 + dx), y: within(y, ey[b], ey[b + 1], 0.5 + dy), n,
        segment, size: 3 + 11 * Math.sqrt(n / most), told: () => T("{segment}: about {n} customers with {x} and {y}", told),
      };
    });
  }
  // Where the mark of a segment stands beside those of the others, which have the same place
  function beside(segment, off) {
    const turn = (2 * Math.PI * segment) / data.segments.length;
    return data.segments.length > 1 ? [off * Math.cos(turn), off * Math.sin(turn)] : [0, 0];
  }
  function spot(i, x, y) {
    const [dx, dy] = x.item && y.item ? beside(rows.segment[i], 0.2) : [0, 0];
    return { x: rows[x.name][i] + dx, y: rows[y.name][i] + dy };
  }
  // Of answers only whole numbers are in a cell: that at which the next one begins is not.
  function band(column, from, to) {
    const [low, high] = column.item ? [Math.ceil(from), Math.ceil(to) - 1] : [from, to], label = column.label;
    return low < high ? T("{label} from {low} to {high}", { label, low: number(low, column), high: withUnit(high, column) }) : valued(column, low);
  }
  const valued = (column, value) => T("{label} {value}", { label: column.label, value: withUnit(value, column) });
  function answers(ids, x, y) {
    const found = new Map();
    for (const i of ids) {
      const key = [rows.segment[i], rows[x.name][i], rows[y.name][i]].join();
      found.set(key, [...(found.get(key) ?? []), i]);
    }
    const most = Math.max(1, ...[...found.values()].map((same) => same.length));
    return [...found.values()].map((same) => {
      const i = same[0], n = same.length, segment = rows.segment[i];
      const told = { segment: segmentOf[segment].name, n: number(n), x: valued(x, rows[x.name][i]), y: valued(y, rows[y.name][i]) };
      return {
        ...spot(i, x, y), segment, size: 3 + 15 * Math.sqrt(n / most), ids: same,
        told: () => TN("{segment}: {n} customer with {x} and {y}", "{segment}: {n} customers with {x} and {y}", n, told),
      };
    });
  }
  function within(column, from, to, share) {
    const [low, high] = [bend(column, from), bend(column, to)];
    return unbend(column, low + share * (high - low));
  }
  function describe(i) {
    const parts = data.numbers.filter((c) => rows[c.name][i] !== null).map((c) => valued(c, rows[c.name][i]));
    parts.push(...data.categories.filter((c) => rows[c.name][i] >= 0).map((c) => T("{label} {value}", { label: c.label, value: c.levels[rows[c.name][i]] })));
    return T("{segment}: {values}", { segment: segmentOf[rows.segment[i]].name, values: parts.join(", ") });
  }

  // What is marked: marks in a rectangle, and segments whose bars are pressed; of counted groups whole cells
  const anyMarked = () => marked.area !== null || marked.segments.size > 0;
  const isInside = ({ x, y }) => marked.area.every(([, low, high], i) => [x, y][i] >= low && [x, y][i] <= high);
  const onAxes = () => marked.area?.every(([name], i) => name === axes()[i].name);
  const columnOf = (name) => data.numbers.find((c) => c.name === name);
  function isMarked(i) {
    const { area, segments } = marked;
    if (segments.size && !segments.has(rows.segment[i])) return false;
    return !area || (area.every(([name]) => rows[name][i] !== null) && isInside(spot(i, ...area.map(([name]) => columnOf(name)))));
  }
  const showsMarked = (p) => (p.ids ? p.ids.some(isMarked) : (!marked.segments.size || marked.segments.has(p.segment)) && (!marked.area || isInside(p)));
  const axes = () => ["x", "y"].map((axis) => data.numbers[at(axis).value]);

  // Pictures
  const bend = (column, v) => (column.logged ? Math.sign(v) * Math.log1p(Math.abs(v)) : v);
  const unbend = (column, v) => (column.logged ? Math.sign(v) * Math.expm1(Math.abs(v)) : v);
  function drawScatter() {
    const [x, y] = axes(), box = at("scatter"), width = Math.max(280, Math.min(720, box.clientWidth)), height = Math.round(width * 0.66);
    const scale = (column, from, to) => {
      const t = column.ticks, beside = column.item ? 0.4 : 0;
      const [low, high] = [t[0] - beside, t[t.length - 1] + beside].map((end) => bend(column, end));
      const place = (v) => from + ((bend(column, v) - low) / (high - low || 1)) * (to - from);
      return { t, place, back: (p) => unbend(column, low + ((p - from) / (to - from)) * (high - low)) };
    };
    const sx = scale(x, 66, width - 10), sy = scale(y, height - 44, 10);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    let free = 0;
    for (const t of sx.t) {
      svg.append(make("line", { x1: sx.place(t), x2: sx.place(t), y1: 10, y2: height - 44, ...GRID }));
      const half = 4 * number(t, x).length, middle = Math.min(sx.place(t), width - half);
      if (middle - half < free) continue;
      svg.append(make("text", { x: middle, y: height - 28, "text-anchor": "middle", fill: "currentColor" }, number(t, x)));
      free = middle + half;
    }
    for (const t of sy.t) svg.append(
      make("line", { x1: 66, x2: width - 10, y1: sy.place(t), y2: sy.place(t), ...GRID }),
      make("text", { x: 60, y: sy.place(t) + 4, "text-anchor": "end", fill: "currentColor" }, number(t, y)));
    const fit = (text, room) => {
      const letters = [...text], cut = letters.findIndex((letter) => (room -= letter > "\u2e7f" ? 12 : 6) < 0);
      return cut < 0 ? text : `${letters.slice(0, cut - 1).join("")}…`;
    };
    svg.append(make("text", { x: (66 + width) / 2, y: height - 6, "text-anchor": "middle", fill: "currentColor" }, fit(x.axis, width - 76)),
      make("text", { transform: `translate(12 ${(height - 34) / 2}) rotate(-90)`, "text-anchor": "middle", fill: "currentColor" }, fit(y.axis, height - 54)));
    points = marks(x, y).map((mark) => ({ ...mark, px: sx.place(mark.x), py: sy.place(mark.y) })).sort((a, b) => a.px - b.px || a.py - b.py);
    for (const p of points) {
      p.drawn = make("path", {
        d: SHAPES[segmentOf[p.segment].glyph], transform: `translate(${p.px.toFixed(1)} ${p.py.toFixed(1)}) scale(${p.size.toFixed(1)})`,
        fill: segmentOf[p.segment].colour, "fill-opacity": 0.8,
      });
      svg.append(p.drawn);
    }
    frame = { sx, sy, rectangle: make("rect", { class: "area", fill: "none", stroke: "currentColor", "stroke-dasharray": "4 3" }) };
    svg.append(frame.rectangle);
    box.querySelector("svg")?.remove();
    box.prepend(svg);
    from = -1;
    point(-1);
    shade();
  }
  // Fade what is not marked, and draw the rectangle where its two columns are the axes
  function shade() {
    for (const p of points) p.drawn.setAttribute("fill-opacity", !anyMarked() || showsMarked(p) ? 0.8 : 0.12);
    const { sx, sy, rectangle } = frame, shown = onAxes();
    rectangle.style.display = shown ? "" : "none";
    if (!shown) return;
    const [[, x0, x1], [, y0, y1]] = marked.area, [left, right, top, bottom] = [sx.place(x0), sx.place(x1), sy.place(y1), sy.place(y0)];
    for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) rectangle.setAttribute(name, value.toFixed(1));
  }
  function point(i) {
    current = i;
    const tip = at("tip"), p = points[i], box = at("scatter"), svg = box.querySelector("svg");
    svg.querySelector(".ring")?.remove();
    tip.hidden = !p;
    tip.textContent = p ? p.told() : "";
    if (!p) return;
    svg.append(make("path", { d: SHAPES["●"], transform: `translate(${p.px} ${p.py}) scale(${p.size + 4})`, class: "ring" }));
    const zoom = svg.clientWidth / svg.viewBox.baseVal.width;
    tip.style.left = `${Math.max(0, Math.min(p.px * zoom - 20, box.clientWidth - tip.offsetWidth))}px`;
    tip.style.top = `${p.py * zoom + 14}px`;
  }
  function placeOf(event) {
    const svg = at("scatter").querySelector("svg"), box = svg.getBoundingClientRect(), zoom = svg.viewBox.baseVal.width / box.width;
    return [(event.clientX - box.left) * zoom, (event.clientY - box.top) * zoom];
  }
  function nearest([x, y]) {
    let best = -1, least = 24 ** 2;
    points.forEach((p, i) => {
      const distance = (p.px - x) ** 2 + (p.py - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    });
    if (best !== current) point(best);
  }
  // Mark what lies between two places of the picture, given in its pixels
  function markArea([ax, ay], [bx, by]) {
    const ends = ([p, q], back) => [back(p), back(q)].sort((a, b) => a - b);
    marked.area = [[axes()[0].name, ...ends([ax, bx], frame.sx.back)], [axes()[1].name, ...ends([ay, by], frame.sy.back)]];
    tellMarked();
  }
  function unmark(all = true) {
    marked.area = null;
    if (all) marked.segments.clear();
    from = -1;
    tellMarked();
  }
  function tellMarked() {
    shade();
    tellCounts();
  }
  const pointer = {
    pointerdown(event) {
      nearest(placeOf(event));
      if (event.button === 0) drag = { start: placeOf(event), on: false };
    },
    pointermove(event) {
      const [x, y] = placeOf(event);
      if (drag && event.buttons & 1 && !drag.on && Math.hypot(x - drag.start[0], y - drag.start[1]) > 6) {
        drag.on = true;
        at("scatter").setPointerCapture(event.pointerId);
        point(-1);
      }
      if (drag?.on) markArea(drag.start, [x, y]);
      else nearest([x, y]);
    },
    pointerup() {
      if (drag && !drag.on && marked.area) unmark(false);
      drag = null;
    },
    pointercancel() { drag = null; },
    pointerleave(event) { if (event.pointerType === "mouse") point(-1); },
  };
  // The arrows go from mark to mark; Enter begins a rectangle at one and ends it at another, Escape takes it away.
  function keys(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      if (anyMarked()) unmark();
      point(-1);
    } else if (event.key === "Home") point(0);
    else if (event.key === "End") point(points.length - 1);
    else if (step) point(Math.max(0, Math.min(points.length - 1, current + step)));
    else if ((event.key === "Enter" || event.key === " ") && points[current]) from = from < 0 ? current : -1;
    else return;
    event.preventDefault();
    const [a, b] = [points[from], points[current]];
    if (a && b) markArea([Math.min(a.px, b.px) - 3, Math.min(a.py, b.py) - 3], [Math.max(a.px, b.px) + 3, Math.max(a.py, b.py) + 3]);
  }

  const none = () => Object.fromEntries(data.segments.map((s) => [s.segment, 0]));
  function counts() {
    const found = none();
    if (rows) for (const i of shownRows()) found[rows.segment[i]] += 1;
    else for (const s of data.segments) if (chosen.segments.has(s.segment)) found[s.segment] = s.size;
    return found;
  }
  function markedCounts(shown) {
    const found = none(), { area, segments } = marked;
    if (rows) for (const i of shownRows().filter(isMarked)) found[rows.segment[i]] += 1;
    else if (area) for (const p of points.filter(showsMarked)) found[p.segment] += p.n;
    else for (const segment of segments) found[segment] = shown[segment];
    return found;
  }
  const sum = (found) => Object.values(found).reduce((a, b) => a + b, 0);
  function drawSizes(shown, found) {
    const most = Math.max(1, ...Object.values(shown)), bars = [], total = sum(found), focused = at("bars").contains(document.activeElement) && document.activeElement.dataset.segment;
    const donut = make("svg", { viewBox: "-105 -105 210 210", "aria-hidden": "true" });
    let angle = -Math.PI / 2;
    const told = shares(data.segments.map((s) => found[s.segment]));
    data.segments.forEach((s, i) => {
      const n = found[s.segment], all = shown[s.segment], share = total ? n / total : 0, wide = (count) => Math.max(0.5, (100 * count) / most);
      const values = { glyph: s.glyph, segment: s.name, n: number(n), all: number(all), share: told[i] };
      const text = anyMarked() ? T("{glyph} {segment}: {n} of {all}", values) : T("{glyph} {segment}: {n} ({share})", values);
      bars.push(make("button", { type: "button", class: "pick", "data-segment": s.segment, "aria-pressed": String(marked.segments.has(s.segment)), onclick: () => press(s.segment) },
        text, make("svg", { viewBox: "0 0 100 5", "aria-hidden": "true" },
          make("rect", { width: wide(all), height: 5, fill: s.colour, "fill-opacity": 0.25 }), make("rect", { width: n ? wide(n) : 0, height: 5, fill: s.colour }))));
      if (!n) return;
      const end = angle + 2 * Math.PI * Math.min(share, 0.9999), large = share > 0.5 ? 1 : 0;
      const on = (radius, a) => `${(radius * Math.cos(a)).toFixed(2)} ${(radius * Math.sin(a)).toFixed(2)}`;
      donut.append(make("path", { fill: s.colour, class: "slice",
        d: `M${on(100, angle)}A100 100 0 ${large} 1 ${on(100, end)}L${on(58, end)}A58 58 0 ${large} 0 ${on(58, angle)}z` }));
      angle = end;
    });
    donut.append(make("text", { "text-anchor": "middle", y: 2, class: "total", style: `font-size:${Math.min(30, 170 / number(total).length)}px` }, number(total)), make("text", { "text-anchor": "middle", y: 20 }, T("customers")));
    at("bars").replaceChildren(...bars);
    at("donut").replaceChildren(donut);
    if (focused) at("bars").querySelector(`[data-segment="${focused}"]`).focus();
  }
  function press(segment) {
    if (!marked.segments.delete(segment)) marked.segments.add(segment);
    tellMarked();
  }

  function tellCounts() {
    const shown = counts(), found = anyMarked() ? markedCounts(shown) : shown, all = rows ? rows.segment.length : data.customers;
    const each = data.segments.filter((s) => found[s.segment]).map((s) => T("{segment} {n}", { segment: s.name, n: number(found[s.segment]) })).join(T("; "));
    const values = { marked: number(sum(found)), shown: number(sum(shown)), all: number(all), parts: each };
    const told = !anyMarked() ? (each ? T("{shown} of {all} customers shown: {parts}.", values) : T("{shown} of {all} customers shown.", values))
      : !each ? T("None of the {shown} customers shown is marked.", values)
        : !rows && marked.area ? T("About {marked} of {shown} customers marked: {parts}.", values) : T("{marked} of {shown} customers marked: {parts}.", values);
    at("status").textContent = `${told} ${faults(at("filters"))}`;
    at("filtered").textContent = filtered();
    at("reset").hidden = !anyMarked() && at("filtered").textContent === T("Filters: none");
    drawSizes(shown, found);
    if (rows) at("download").textContent = anyMarked() ? T("Download the rows marked as CSV") : T("Download the rows shown as CSV");
  }
  function update() {
    drawScatter();
    tellCounts();
  }

  function download() {
    const cell = csvCell(data.words);
    const head = ["segment", "name", ...data.numbers.map((c) => c.name), ...data.categories.map((c) => c.name)];
    const lines = shownRows().filter(isMarked).map((i) => [rows.segment[i], segmentOf[rows.segment[i]].name, ...data.numbers.map((c) => rows[c.name][i]),
      ...data.categories.map((c) => c.levels[rows[c.name][i]] ?? null)]);
    const text = [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
    const link = make("a", { href: URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" })), download: "customers.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Scoring, as model.json describes it
  function buildQuestion() {
    if (!data.model.centroids.length) { say(data.words.unasked); return; }
    const inputs = data.model.features.map((f) => (f.levels || f.categories ? levelSelect(f) : numberInput(f, { oninput: answer, placeholder: offered(f) })));
    at("ask").replaceChildren(...data.model.features.map((f, i) => make("label", {}, `${f.axis} `, inputs[i])));
    function levelSelect(f) {
      const options = ["", ...(f.levels ?? [...f.categories, data.words.another])].map((label, rank) => make("option", { value: rank || "" }, label)).filter((o) => o.textContent || !o.value); // what is hidden is not offered
      return make("select", { "data-label": f.label, onchange: answer }, ...options);
    }
    function answer() {
      const values = inputs.map(read);
      if (values.includes(NaN)) { say(faults(at("ask"))); return; }
      const wrong = data.model.features.filter((f, i) => values[i] !== null && (values[i] < (f.min ?? -Infinity) || values[i] > (f.max ?? Infinity)));
      if (wrong.length) say(...wrong.map(limits));
      else if (values.includes(null)) shortly(values);
      else score(values);
    }
    answer();
  }
  const offered = (f) => (f.low < f.high ? T("{low} to {high}", { low: number(f.low, f), high: number(f.high, f) }) : null);
  function limits(f) {
    const [label, least, most] = [f.label, ...[f.min, f.max].map((end) => end !== null && number(end, f))];
    if (least && most) return T("{label} must be at least {least} and at most {most}.", { label, least, most });
    return least ? T("{label} must be at least {least}.", { label, least }) : T("{label} must be at most {most}.", { label, most });
  }
  function say(...sentences) {
    at("answer").removeAttribute("style");
    at("answer").replaceChildren(...sentences.map((text) => make("p", {}, text)));
  }
  function name(segment, called) {
    at("answer").style.setProperty("--mark", segment.colour);
    return make("p", { class: "lead" }, make("span", { class: "glyph", "aria-hidden": "true" }, segment.glyph), ` ${called} `, make("small", {}, segment.key));
  }
  const action = (segment) => (segment.action ? [make("p", {}, make("b", {}, segment.suggested ? T("What to do (a suggestion):") : T("What to do:")), ` ${segment.action}`)] : []);
  // The longest of the short forms whose questions are all answered; before that, which answers are enough
  function shortly(values) {
    const form = data.model.short.filter((s) => s.asked.every((i) => values[i] !== null)).pop();
    const told = (s) => ({ n: number(Math.floor(100 * s.right)), all: number(100), answers: listed(s.asked.map((i) => data.model.features[i].label)) });
    if (!form) {
      say(...data.model.short.slice(0, 1).map((s) => T("Enough to answer: {answers}. By these alone {n} of {all} customers are placed rightly.", told(s))));
      return;
    }
    const every = scaled(data.model, values), z = form.asked.flatMap((i) => every[i]), scores = form.constants.map((c, j) => c + dot(form.weights[j], z));
    const segment = segmentOf[form.segments[scores.indexOf(Math.max(...scores))]];
    at("answer").replaceChildren(name(segment, T("Probably {segment}", { segment: segment.name })), ...action(segment),
      make("p", {}, T("By these answers ({answers}) {n} of {all} customers are placed rightly.", told(form))));
  }
  function sureness({ distance, margin, probability }) { // as report/explore.how_sure says it
    const { words: { sure }, model } = data, likely = probability === null ? "" : written(probability, { style: "percent", maximumSignificantDigits: 2 });
    if (margin === null) return "";
    if (margin < model.border) return sure[likely ? "unlikely" : "border"].replace("{probability}", likely);
    if (likely) return sure[probability >= model.certain ? "certain" : "likely"].replace("{probability}", likely);
    return sure[margin >= distance ? "clear" : "fair"]; // the next is twice as far
  }
  const outer = (told) => (rows ? T("Careful: {label} is outside of the data ({low} to {high}).", told)
    : T("Careful: {label} is outside of the data ({low} to {high}, rounded outwards).", told));
  function score(values) {
    const found = placed(data.model, values), segment = segmentOf[found.segment], unit = data.model.unit;
    const [distance, margin, probability] = ["distance", "margin", "probability"].map((part) => found[part] !== null && decimals(found[part], 3));
    const outside = data.model.features.filter((f, i) => !f.categories && (values[i] < f.low || values[i] > f.high));
    const careful = outside.map((f) => outer({ label: f.label, low: number(f.low, f), high: withUnit(f.high, f) }));
    const figures = probability ? T("Probability {probability}, distance {distance} in {unit}.", { probability, distance, unit })
      : margin ? T("Distance {distance}, margin {margin}, in {unit}.", { distance, margin, unit }) : T("Distance {distance}, in {unit}.", { distance, unit });
    const sure = sureness(found), next = found.next && segmentOf[found.next].name;
    at("answer").replaceChildren(name(segment, segment.name), ...action(segment),
      ...(sure ? [make("p", {}, make("b", {}, T("How sure?")), ` ${sure} `, T("Next comes: {segment}.", { segment: next }))] : []),
      ...careful.map((text) => make("p", { class: "warning" }, text)), make("p", { class: "note" }, figures));
  }

  section.hidden = false;
  buildFilters();
  buildQuestion();
  ["x", "y"].forEach((axis, i) => {
    at(axis).replaceChildren(...data.numbers.map((c, j) => make("option", { value: j }, c.axis)));
    at(axis).value = data.numbers.findIndex((c) => c.name === data.axes[i]);
    at(axis).addEventListener("change", () => {
      if (!rows) marked.area = null; // what is in the cells of other columns is not known
      update();
    });
  });
  const plot = at("scatter");
  for (const [event, act] of Object.entries(pointer)) plot.addEventListener(event, act);
  plot.addEventListener("keydown", keys);
  offerPicture(plot.parentElement, "explore");
  plot.addEventListener("blur", () => point(-1));
  at("reset").addEventListener("click", () => {
    chosen.segments = new Set(data.segments.map((s) => s.segment));
    buildFilters();
    unmark();
    update();
    at("filtered").focus();
  });
  if (rows) at("download").addEventListener("click", download);
  let width = 0;
  new ResizeObserver(() => {
    if (section.clientWidth !== width) { width = section.clientWidth; update(); }
  }).observe(section);
}

const held = document.getElementById("explore-data");
if (held) explore(JSON.parse(held.textContent));
