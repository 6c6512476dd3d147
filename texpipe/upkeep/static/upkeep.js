// Pages about packs: a search through the names, and sliders between two pictures.
"use strict";

const items = [...document.querySelectorAll("[data-name]")];

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const item of items) {
    const fits = words.every((word) => item.dataset.name.includes(word));
    item.hidden = !fits;
    count += fits;
  }
  byId("found").textContent = words.length ? `${count} of ${items.length}` : "";
}

for (const slider of document.querySelectorAll("input[data-compare]")) {
  const box = slider.parentElement.querySelector(".compare");
  slider.addEventListener("input", () => box.style.setProperty("--share", `${slider.value}%`));
  box.addEventListener("pointermove", (event) => {
    if (event.buttons !== 1 && event.pointerType === "mouse") return;
    const { left, width } = box.getBoundingClientRect();
    slider.value = String(Math.round(((event.clientX - left) / width) * 100));
    slider.dispatchEvent(new Event("input"));
  });
}

byId("find").addEventListener("input", (event) => find(event.target.value));
byId("switch-theme").addEventListener("click", () => theme.toggle());
