// Keys for reviewing one record after the other, and the lock that typing takes; without a script the
// buttons do the same, and saving takes the lock.
"use strict";

const RENEWED_MS = 60_000;
const form = document.querySelector("form.judge");
let asked = -Infinity;

const lock = async () => {
  if (performance.now() - asked < RENEWED_MS) return;
  asked = performance.now();
  try {
    const answer = await fetch(form.dataset.lock, { method: "POST", body: new FormData(form) });
    document.getElementById("lock").textContent = (await answer.json()).text;
  } catch {
    asked = -Infinity; // saving takes the lock too, and says so if it cannot
  }
};

const press = (event) => {
  if (event.key === "Enter" && event.ctrlKey) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button.default"));
  }
  const skip = document.querySelector("[data-skip]");
  if (skip && event.key === "ArrowRight" && event.altKey) {
    event.preventDefault();
    skip.click();
  }
};

if (form) {
  form.addEventListener("input", lock);
  document.addEventListener("keydown", press);
  // On a phone the keyboard would cover what is to be judged.
  if (matchMedia("(hover: hover)").matches) document.getElementById("id_actual_price").focus({ preventScroll: true });
}
