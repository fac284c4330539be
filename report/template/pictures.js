// A picture of each figure, to be copied or saved: on light paper, made of what the page holds, by the browser alone.
const LIGHT = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).find((rule) => rule.selectorText === ":root").style;

function put(parent, tag, attributes, ...children) {
  const element = tag === "svg" || tag === "rect" ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  parent?.append(element);
  return element;
}

// All drawings of a figure as one, beside and below each other as they stand, with the ink of light paper
function pictured(figure) {
  const drawings = [...figure.querySelectorAll("svg")].map((svg) => [svg, svg.getBoundingClientRect()]).filter(([, box]) => box.width);
  const [left, top] = ["left", "top"].map((side) => Math.min(...drawings.map(([, box]) => box[side])));
  const [width, height] = [["right", left], ["bottom", top]].map(([side, from]) => Math.ceil(Math.max(...drawings.map(([, box]) => box[side])) - from));
  const ink = { color: LIGHT.getPropertyValue("--ink").trim(), fill: "currentColor", "stroke-linejoin": "round", "font-family": getComputedStyle(document.body).fontFamily };
  const whole = put(null, "svg", { viewBox: `-8 -8 ${width + 16} ${height + 16}`, width: width + 16, height: height + 16 });
  put(whole, "rect", { x: -8, y: -8, width: "100%", height: "100%", fill: LIGHT.getPropertyValue("--paper").trim() });
  for (const [svg, box] of drawings) {
    const copy = svg.cloneNode(true);
    for (const name of ["style", "class", "role"]) copy.removeAttribute(name);
    const place = { x: box.left - left, y: box.top - top, width: box.width, height: box.height, "font-size": getComputedStyle(svg).fontSize };
    for (const [name, value] of Object.entries({ ...ink, ...place })) copy.setAttribute(name, value);
    whole.append(copy);
  }
  return [new XMLSerializer().serializeToString(whole), width + 16, height + 16];
}

async function asPng(figure) {
  const [text, width, height] = pictured(figure), image = new Image(), canvas = document.createElement("canvas");
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  [canvas.width, canvas.height] = [2 * width, 2 * height]; // sharp on paper too
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function save(blob, name) {
  const link = put(null, "a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function offerPicture(figure, name) {
  const told = put(null, "span", { role: "status" });
  const button = (text, act) => {
    const own = put(null, "button", { type: "button" }, text);
    own.addEventListener("click", act);
    return own;
  };
  const copy = async () => {
    const png = asPng(figure);
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
      told.textContent = T("Copied.");
    } catch { // where the clipboard is not allowed
      save(await png, `${name}.png`);
      told.textContent = T("Saved: copying is not allowed here.");
    }
  };
  const menu = put(null, "details", { class: "take" },
    put(null, "summary", { "aria-label": T("Copy or save this picture"), title: T("Copy or save this picture") }, "⤓"),
    put(null, "p", {}, button(T("Copy"), copy),
      button("SVG", () => save(new Blob([pictured(figure)[0]], { type: "image/svg+xml" }), `${name}.svg`)),
      button("PNG", async () => save(await asPng(figure), `${name}.png`)), told));
  figure.append(menu);
}

for (const figure of document.querySelectorAll("figure")) if (figure.querySelector("svg")) offerPicture(figure, figure.id || "figure");
