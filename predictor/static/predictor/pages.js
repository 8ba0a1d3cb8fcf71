// What a script adds to the pages, all of which work without it: a pasted line of measurements goes into
// its three fields at once, and buttons copy the address and print.
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
