// Keys for whoever judges one record after the other; without a script the buttons do the same.
"use strict";

document.addEventListener("keydown", (event) => {
  const form = document.querySelector("form.judge");
  if (!form) return;
  if (event.key === "Enter" && event.ctrlKey) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button.default"));
  }
  const skip = form.querySelector("[data-skip]");
  if (skip && event.key === "ArrowRight" && event.altKey) {
    event.preventDefault();
    skip.click();
  }
});
