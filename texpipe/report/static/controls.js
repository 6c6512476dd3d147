// Menus, switches and buttons that the pages of texpipe share.
"use strict";

/** Fill the menus of filters; `changed` is called after a choice. */
function fillMenus(wanted, changed) {
  byId("menus").replaceChildren();
  for (const [name, { label }] of Object.entries(FILTERS)) {
    const values = valuesOf(name);
    if (values.length < 2) continue; // nothing to choose from
    const boxes = values.map(([value, count]) => {
      const choose = ({ target }) => {
        wanted[name][target.checked ? "add" : "delete"](value);
        changed();
      };
      const input = element("input", { type: "checkbox", value, change: choose });
      input.checked = wanted[name].has(value);
      return element("label", {}, input, element("span", {}, value), element("small", {}, String(count)));
    });
    byId("menus").append(
      element("details", { class: "menu", "data-filter": name, name: "filters" },
        element("summary", {}, label),
        element("fieldset", {}, element("legend", { class: "hidden" }, label), ...boxes)),
    );
  }
}

document.addEventListener("click", ({ target }) => {
  document.querySelectorAll(".menu[open]").forEach((menu) => menu.contains(target) || (menu.open = false));
});

/** Fill the switches above the stage, and let the buttons around it work; `step` goes on in the list. */
function fillTools(stage, step) {
  const setter = (name) => (value) => stage.set(name, value);
  fillSwitch(byId("layout"), [["slider", say("t_slider"), say("t_sliderHint")], ["beside", say("t_beside"), say("t_besideHint")]],
    "slider", setter("layout"));
  fillSwitch(byId("tiling"), [["one", "1 × 1", say("t_oneHint")], ["nine", "3 × 3", say("t_nineHint")]],
    "one", setter("tiling"));
  fillSwitch(byId("extent"), [["whole", say("t_whole"), say("t_wholeHint")],
    ["piece", say("t_piece"), say("t_pieceHint")]], "whole", setter("extent"));
  fillSwitch(byId("channel"), [["all", "RGBA", say("t_rgbaHint")], ["colour", "RGB", say("t_rgbHint")],
    ["alpha", "A", say("t_aHint")]], "all", setter("channel"));
  fillSwitch(byId("backdrop"), ["checker", "magenta", "black"].map((name) => [name, say(`t_${name}`), say(`t_${name}`)]), "checker", setter("backdrop"));
  byId("zoom-in").addEventListener("click", () => stage.zoomBy(1));
  byId("zoom-out").addEventListener("click", () => stage.zoomBy(-1));
  byId("zoom-fit").addEventListener("click", () => stage.fit());
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
}

function closeMenus() {
  const menu = document.querySelector(".menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

/** Whether the focused element wants this key for itself. */
function wants(target, key) {
  if (target.closest("dialog, details.menu, select, textarea, input[type=search], input[type=text], input[type=number]")) return true;
  if (target.matches("input[type=radio]")) return key.startsWith("Arrow") || key === " ";
  return key === " " && target.matches("button, input, summary, a");
}
