// Pictures by several models: one zoom and one tiling for all of them; what is picked becomes lines of the recipe.
"use strict";

const data = JSON.parse(byId("data").textContent);
const COLUMN = 240; // pixels that a picture fills where the zoom fits
const view = { tiling: "one", channel: "all", backdrop: "checker", zoom: null, scope: "textures" };
const picks = new Map(); // texture -> number of the column
let forAll = null; // number of the column that the recipe itself is to use

const PLACES = {
  new: ["", "at its end"],
  below: ["# below the line “rules:”, before all others:", "right below the line “rules:”, before all others"],
  brackets: ["# behind the bracket of “rules: [”, before all others:", "behind the bracket of “rules: [”, before all others"],
};

const edgesOf = ({ edges }) => edges ?? { x: "clamp", y: "clamp" };

function plane(texture, file, label, which) {
  const made = element("div", { class: `plane ${which}`, role: "img", "aria-label": label });
  const steps = view.tiling === "nine" ? [-1, 0, 1] : [0];
  for (const y of steps) {
    for (const x of steps) {
      const copy = element("img", { src: `pictures/${file}`, alt: "", draggable: "false", decoding: "async" });
      lay(copy, x, y, edgesOf(texture));
      made.append(copy);
    }
  }
  return made;
}

function cell(texture, number) {
  const { file, missing } = texture.results[number];
  const { label } = data.columns[number];
  if (!file) return element("td", {}, element("p", { class: "missing" }, missing));
  const pick = element("button", {
    type: "button",
    class: "pick",
    "aria-pressed": String(picks.get(texture) === number),
    "aria-label": `${label} for ${texture.title}`,
    click: () => toggle(texture, number),
  }, picks.get(texture) === number ? "Picked" : "Pick");
  return element("td", {}, plane(texture, file, `${texture.title} by ${label}`, "after"), pick);
}

function row(texture) {
  const [width, height] = texture.size;
  const facts = [`${width} × ${height}`, texture.kind].filter(Boolean).join(" · ");
  const head = element("th", { scope: "row" }, element("span", { class: "path" }, texture.title), element("small", {}, facts));
  const source = element("td", {}, plane(texture, texture.before, `Source of ${texture.title}`, "before"));
  return element("tr", {}, head, source, ...data.columns.map((_, number) => cell(texture, number)));
}

function heading(column, number) {
  const time = column.time ? `whole dump: about ${column.time}` : "whole dump: not measured";
  return element("th", { scope: "col" },
    element("b", {}, column.label), element("small", {}, time), element("small", {}, column.licences),
    element("button", {
      type: "button",
      class: "pick",
      "aria-pressed": String(forAll === number),
      click: () => { forAll = forAll === number ? null : number; draw(); },
    }, forAll === number ? "Picked for all" : "For all"));
}

function draw() {
  const box = byId("stage");
  const { scrollLeft, scrollTop } = box;
  const focused = document.activeElement?.getAttribute("aria-label");
  for (const name of ["tiling", "channel", "backdrop"]) box.dataset[name] = view[name];
  box.replaceChildren(element("table", {},
    element("thead", {}, element("tr", {},
      element("th"), element("th", { scope: "col" }, element("b", {}, "Source")), ...data.columns.map(heading))),
    element("tbody", {}, ...data.textures.map(row))));
  size();
  Object.assign(box, { scrollLeft, scrollTop });
  if (focused) box.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  write();
}

/** Give the pictures of a row one size: that of the results, times the zoom. */
function size() {
  [...byId("stage").querySelectorAll("tbody tr")].forEach((line, number) => {
    const [width, height] = data.textures[number].size.map((side) => side * data.scale);
    const zoom = view.zoom ?? fitting(Math.max(width, height));
    line.style.setProperty("--tile-width", `${Math.max(1, Math.round(width * zoom))}px`);
    line.style.setProperty("--tile-height", `${Math.max(1, Math.round(height * zoom))}px`);
    line.classList.toggle("enlarged", zoom >= 1); // a reduced picture would lose whole rows of pixels
  });
  byId("zoom-shown").textContent = view.zoom === null ? "fit" : `${view.zoom * 100} %`;
}

function fitting(side) {
  const room = COLUMN / (view.tiling === "nine" ? 1.5 : 1);
  return ZOOMS.filter((zoom) => side * zoom <= room).at(-1) ?? ZOOMS[0];
}

function zoomBy(steps) {
  const now = view.zoom ?? 1;
  view.zoom = (steps > 0 ? ZOOMS.find((zoom) => zoom > now) : ZOOMS.findLast((zoom) => zoom < now)) ?? now;
  size();
}

function toggle(texture, number) {
  if (picks.get(texture) === number) picks.delete(texture);
  else {
    picks.set(texture, number);
    if (view.scope === "kinds" && texture.kind) {
      for (const other of picks.keys()) if (other.kind === texture.kind) picks.set(other, number);
    }
  }
  draw();
}

/** The lines of rules for what is picked: texture by texture, or one kind after the other where the kind is known. */
function ruleLines() {
  const kinds = new Map();
  const lines = [];
  for (const [texture, number] of picks) {
    if (view.scope === "kinds" && texture.kind) kinds.set(texture.kind, number);
    else lines.push(...texture.rules[number]);
  }
  for (const [kind, number] of kinds) lines.push(...data.kinds[kind][number]);
  return lines;
}

function write() {
  const rules = ruleLines();
  const all = forAll === null ? [] : ["# in place of the line “model”:", ...data.columns[forAll].all];
  const head = data.place === "new" ? "rules:" : PLACES[data.place][0];
  byId("rules").value = [...all, ...(rules.length ? [head, ...rules] : [])].join("\n");
  byId("copy").disabled = byId("clear").disabled = !rules.length && !all.length;
  const many = rules.length === 1 ? "1 rule" : `${rules.length} rules`;
  byId("count").textContent = rules.length || all.length ? [rules.length ? many : "", all.length ? "the recipe's own model" : ""].filter(Boolean).join(" and ") : "Nothing is picked.";
}

async function copy() {
  const text = byId("rules");
  text.select();
  try {
    await navigator.clipboard.writeText(text.value);
    byId("count").textContent = "Copied.";
  } catch {
    byId("count").textContent = "The lines are selected: copy them with Ctrl+C.";
  }
}

function explain() {
  const file = data.file ?? "the recipe";
  const [, where] = PLACES[data.place];
  byId("how").textContent = `Pick the better picture of a row, then put the lines into ${file}, ${where}. “For all” is the recipe's own “model”: it replaces that line. Then run the recipe: only what changed is computed.`;
}

const setter = (name) => (value) => { view[name] = value; draw(); };
fillSwitch(byId("tiling"), [["one", "1 × 1", "The texture alone"], ["nine", "3 × 3", "As the game repeats it"]],
  "one", setter("tiling"));
fillSwitch(byId("channel"), [["all", "RGBA", "Colour and alpha"], ["alpha", "A", "Alpha as grey"]], "all", setter("channel"));
fillSwitch(byId("backdrop"), [["checker", "Checker", "Checker"], ["magenta", "Magenta", "Magenta"],
  ["black", "Black", "Black"]], "checker", setter("backdrop"));
fillSwitch(byId("scope"), [["textures", "These textures", "A rule for each picked texture"],
  ["kinds", "Their kinds", "A rule for all textures of the kind, where it is known"]], "textures", setter("scope"));
byId("zoom-in").addEventListener("click", () => zoomBy(1));
byId("zoom-out").addEventListener("click", () => zoomBy(-1));
byId("zoom-fit").addEventListener("click", () => { view.zoom = null; size(); });
byId("switch-theme").addEventListener("click", () => theme.toggle());
byId("copy").addEventListener("click", copy);
byId("clear").addEventListener("click", () => { picks.clear(); forAll = null; draw(); });
explain();
draw();
