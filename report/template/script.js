// Messages in the language of the reader, as segmentation/language/pages.py hands them over; none where it is English.
const TOLD = JSON.parse(document.getElementById("told")?.textContent ?? "{}"), LANGUAGE = document.documentElement.lang;
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
const T = (text, values = {}) => filled(TOLD[text] ?? text, values);
function TN(one, many, n, values = {}) {
  const form = new Intl.PluralRules(LANGUAGE).select(n) === "one" ? 0 : 1;
  return filled((TOLD[many] ?? [one, many])[form], { n, ...values });
}
// One control for all that is folded, the current place in the contents, and a link into a closed chapter, which opens
// it; without scripting each piece still unfolds.
const unfold = document.getElementById("unfold");
if (unfold) {
  unfold.hidden = false;
  unfold.addEventListener("click", () => {
    const open = unfold.getAttribute("aria-pressed") !== "true";
    unfold.setAttribute("aria-pressed", open);
    for (const fold of document.querySelectorAll("details.fold, details.chapter")) fold.open = open;
  });
}
function reveal() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let around = place; around; around = around.parentElement) if (around.localName === "details") around.open = true;
  place?.scrollIntoView();
}
addEventListener("hashchange", reveal);
addEventListener("click", (event) => {
  if (event.target.closest?.("a")?.hash === location.hash && location.hash) reveal();
});
const contents = document.querySelector("#contents details"), wide = matchMedia("(min-width: 56.01rem)");
if (contents) {
  const fit = () => (contents.open = wide.matches);
  wide.addEventListener("change", fit);
  contents.addEventListener("click", (event) => {
    if (!wide.matches && event.target.closest("a")) contents.open = false;
  });
  fit();
}
if (location.hash) reveal();
const places = [...document.querySelectorAll("#contents a")].map((link) => [link, document.getElementById(link.hash.slice(1))]);
function mark() {
  const passed = places.filter(([link, place]) => place?.offsetParent && link.offsetParent && place.getBoundingClientRect().top < innerHeight / 3);
  for (const [link] of places) link.removeAttribute("aria-current");
  passed.at(-1)?.[0].setAttribute("aria-current", "location");
}
if (places.length) {
  addEventListener("scroll", mark, { passive: true });
  mark();
}
