// One control for all the code; without scripting each piece still unfolds by itself.
const unfold = document.getElementById("unfold");
if (unfold) {
  unfold.hidden = false;
  unfold.addEventListener("click", () => {
    const open = unfold.getAttribute("aria-pressed") !== "true";
    unfold.setAttribute("aria-pressed", open);
    unfold.textContent = open ? "Hide all code" : "Show all code";
    for (const code of document.querySelectorAll("details.code")) code.open = open;
  });
}
