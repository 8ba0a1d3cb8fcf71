// What a script adds to the pages, all of which work without it: a pasted line of measurements goes into
// its three fields at once, a price that could not be had is told, and buttons copy the address and print.
"use strict";

const number = String.raw`(\d+(?:[.,]\d+)?)\s*(?:mm)?\s*`;
const line = new RegExp(String.raw`^\s*${number}[-–—−xX×*/]\s*${number}[xX×*/]\s*${number}$`);

const spread = (field) => {
  if (!["id_x", "id_y", "id_z"].includes(field.id)) return;
  const found = field.value.match(line);
  if (!found) return;
  ["x", "y", "z"].forEach((name, place) => {
    document.getElementById(`id_${name}`).value = found[place + 1];
  });
};
// While it is still being typed, a line may look complete too early.
document.addEventListener("input", (event) => event.inputType === "insertFromPaste" && spread(event.target));
document.addEventListener("change", (event) => spread(event.target));

// A price that is not of what is typed now must not stay.
const failed = () => {
  const preview = document.getElementById("preview");
  preview.textContent = preview.dataset.failed;
};
document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:sendError", failed);

document.querySelectorAll("[data-copy], [data-print]").forEach((button) => {
  button.hidden = "copy" in button.dataset && !navigator.clipboard;
  button.addEventListener("click", async () => {
    if ("print" in button.dataset) {
      window.print();
    } else {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.done;
    }
  });
});
