// The page: filters, list, stage and facts joined; the keyboard; the address that names the texture shown.
"use strict";

const DATA = JSON.parse(byId("data").textContent);
takeTextures(DATA.textures);

const state = {
  wanted: Object.fromEntries(Object.keys(FILTERS).map((name) => [name, new Set()])),
  text: "",
  order: "worst",
  fold: true,
};
const BY_ORDER = { seam: "seam", colour: "colour", alpha: "alphaDrift" };

const list = new TextureList(byId("list"), (position) => {
  go(position);
  // In a narrow window the picture lies below the list.
  if (matchMedia("(max-width: 720px)").matches) byId("viewer").scrollIntoView({ block: "start" });
});
const stage = new Stage(byId("stage"), (zoom, fitted) => {
  byId("zoom-shown").textContent = zoomText(zoom, fitted);
});

/** Show the texture of a row and everything about it. */
function go(position) {
  const row = list.rows[position];
  list.mark(row ? position : -1);
  show(row?.texture ?? null);
  byId("place").textContent = row ? say("place", { n: position + 1, all: list.rows.length }) : "";
  byId("previous").disabled = !row || position === 0;
  byId("next").disabled = !row || position === list.rows.length - 1;
}

function show(texture) {
  stage.show(texture);
  byId("extent").hidden = !stage.pieces;
  showFacts(byId("facts"), texture, reveal);
  history.replaceState(null, "", texture ? `#${encodeURIComponent(texture.source)}` : "#");
}

/** Show a texture; one without a row of its own stands in the row of its family. */
function reveal(texture) {
  const own = list.rows.findIndex((row) => row.texture === texture);
  const family = list.rows.findIndex((row) => row.texture.family && row.texture.family === texture?.family);
  if (own >= 0 || family >= 0) go(own >= 0 ? own : family);
  if (own < 0) show(texture);
}

/** The first row with a picture to show, for failures come first; the first of all if none has one. */
const firstShown = (rows) => Math.max(0, rows.findIndex(({ texture }) => texture.after.file));

/** Fill the list anew, and stay with the texture shown if it is still there. */
function refill(keep = stage.texture) {
  const rows = select(state);
  list.fill(rows, BY_ORDER[state.order]);
  const kept = rows.findIndex((row) => row.texture === keep);
  byId("nothing").hidden = rows.length > 0;
  byId("list").hidden = rows.length === 0;
  byId("shown").textContent = say("shown", { n: rows.length, all: TEXTURES.length });
  for (const name of Object.keys(FILTERS)) {
    const menu = document.querySelector(`[data-filter=${name}]`);
    menu?.classList.toggle("active", state.wanted[name].size > 0);
  }
  go(rows.length ? (kept < 0 ? firstShown(rows) : kept) : -1);
}

function clearFilters() {
  Object.values(state.wanted).forEach((values) => values.clear());
  document.querySelectorAll(".menu input").forEach((input) => (input.checked = false));
  byId("search").value = state.text = "";
  refill();
  byId("search").focus();
}

const step = (by) => {
  const next = list.current + by;
  if (next >= 0 && next < list.rows.length) go(next);
};

const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  j: () => step(1),
  k: () => step(-1),
  PageDown: () => go(Math.min(list.rows.length - 1, list.current + 10)),
  PageUp: () => go(Math.max(0, list.current - 10)),
  Home: () => go(0),
  End: () => go(list.rows.length - 1),
  ArrowLeft: ({ shiftKey }) => stage.slide(stage.share - (shiftKey ? 10 : 1)),
  ArrowRight: ({ shiftKey }) => stage.slide(stage.share + (shiftKey ? 10 : 1)),
  " ": () => stage.hold(true),
  s: () => stepSwitch(byId("layout")),
  t: () => stepSwitch(byId("tiling")),
  g: () => byId("extent").hidden || stepSwitch(byId("extent")),
  c: () => stepSwitch(byId("channel")),
  b: () => stepSwitch(byId("backdrop")),
  "+": () => stage.zoomBy(1),
  "=": () => stage.zoomBy(1),
  "-": () => stage.zoomBy(-1),
  0: () => stage.fit(),
  "/": () => byId("search").focus(),
  "?": () => byId("help").showModal(),
};

function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus();
    if (event.ctrlKey || event.metaKey || event.altKey || wants(event.target, event.key)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!Object.hasOwn(KEYS, key)) return;
    event.preventDefault();
    KEYS[key](event);
  });
  document.addEventListener("keyup", ({ key }) => key === " " && stage.hold(false));
  window.addEventListener("blur", () => stage.hold(false));
  window.addEventListener("hashchange", () => reveal(named() ?? stage.texture));
  byId("search").addEventListener("input", ({ target }) => {
    state.text = target.value;
    refill();
  });
  byId("search").addEventListener("keydown", ({ key, target }) => {
    if (key === "Enter" || key === "ArrowDown") byId("list").focus();
    if (key === "Escape") target.blur();
  });
  byId("sort").addEventListener("change", ({ target }) => {
    state.order = target.value;
    refill(null);
  });
  byId("fold").addEventListener("change", ({ target }) => {
    state.fold = target.checked;
    refill();
  });
  byId("clear").addEventListener("click", clearFilters);
  byId("open-help").addEventListener("click", () => byId("help").showModal());
  byId("switch-theme").addEventListener("click", theme.toggle);
}

/** The texture that the address names, if it is one of these. */
function named() {
  try {
    const name = decodeURIComponent(location.hash.slice(1));
    return TEXTURES.find((texture) => texture.source === name);
  } catch {
    return undefined; // not an address that this page made
  }
}

/** Say that the pack was written again after this report was made of it: its stamp then names another manifest. */
function sayIfOlder() {
  const { manifest, date } = DATA.pack;
  if (typeof PACK_NOW === "undefined" || !manifest || PACK_NOW === manifest) return;
  const text = say("outdated", { date });
  document.querySelector(".top").after(element("p", { class: "note outdated", role: "status" }, text));
}

const asked = named();
sayIfOlder();
fillMenus(state.wanted, refill);
fillTools(stage, step);
listen();
for (const [value, { label }] of Object.entries(ORDERS)) byId("sort").append(element("option", { value }, label));
byId("fold").closest("label").hidden = !TEXTURES.some((texture) => texture.family);
refill(asked ?? null);
if (asked) reveal(asked);
