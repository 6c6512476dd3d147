// The studio: the list and the stage of the report, joined with decisions, reviews and runs.
"use strict";

const studio = { version: 0, scale: 4, model: "", fields: {}, scopes: [], reviews: {}, run: null, reading: null, noticed: 0, onScreen: new Map(), justRan: false };
const wished = { text: "", order: "name", fold: false, queue: "", wanted: {} };
const PREVIEW_DELAY = 150; // milliseconds that a texture is looked at before its preview is computed
const PAGE = 10; // textures that the keys of whole pages step over
let stopPreview = null;
let knownAt = 0; // when textures were asked for last, while others are read
let earlier = null; // the picture before the last preview, for blinking

const list = new PickList(byId("list"), (position, event) => {
  go(position);
  // In a narrow window the picture lies below the list.
  if (event?.type === "click" && matchMedia("(max-width: 720px)").matches) byId("viewer").scrollIntoView({ block: "start" });
});
list.chosen = () => {
  const chosen = list.picked.size ? list.rows.map(({ texture }) => texture).filter((one) => list.picked.has(one)) : [];
  return chosen.length ? chosen : [stage.texture].filter(Boolean);
};
const stage = new Stage(byId("stage"), (zoom, fitted) => {
  byId("zoom-shown").textContent = zoomText(zoom, fitted);
});

/** Show the texture of a row, without changing what is chosen. */
function go(position) {
  const row = list.rows[position];
  list.mark(row ? position : -1);
  byId("place").textContent = row ? say("place", { n: position + 1, all: list.rows.length }) : "";
  byId("previous").disabled = !row || position === 0;
  byId("next").disabled = !row || position === list.rows.length - 1;
  earlier = null;
  showOnStage(row?.texture ?? null);
  refreshPanel();
}

/** Step to another row and choose it alone, or with Shift all between too; stops at the ends. */
function step(by, event = null) {
  const next = Math.max(0, Math.min(list.rows.length - 1, list.current + by));
  if (list.rows.length && (next !== list.current || list.picked.size > 1)) list.pick(next, event?.shiftKey ? event : null, go);
}

function refreshPanel() {
  const { texture } = stage;
  showPanel(byId("panel"), texture, texture ? list.chosen() : []);
  if (texture) showReasons(texture).catch(() => null); // it may be gone by now
}

/** Show a texture, then its finished picture, or a preview where none is kept. */
function showOnStage(texture, { preview = false } = {}) {
  stopPreview?.abort();
  earlier = preview ? texture?.after.file : null;
  stage.show(texture);
  byId("extent").hidden = !stage.pieces;
  byId("previewed").textContent = "";
  if (!texture || !texture.size || texture.action === "skip" || studio.reading) return;
  stopPreview = new AbortController();
  const { signal } = stopPreview;
  setTimeout(() => signal.aborted || fetchResult(texture, signal).catch((error) => signal.aborted || tell(error.message)),
    preview ? 0 : PREVIEW_DELAY);
}

async function fetchResult(texture, signal) {
  const name = texture.source;
  const kept = await fetchKept(name, signal);
  byId("stage").dataset.busy = String(!kept);
  try {
    const shown = kept ?? (await fetchPicture(`preview?${queryOf({ name })}`, signal));
    if (signal.aborted || !shown) return;
    texture.after = { file: shown.file };
    byId("stage").dataset.previewed = name;
    if (stage.texture === texture) stage.draw();
    await fetchPieces(texture, signal);
    byId("previewed").textContent = kept ? say("resultShown") : say("previewed", { s: shown.seconds.toFixed(1) });
  } finally {
    if (!signal.aborted) byId("stage").dataset.busy = "false";
  }
}

const fetchKept = (name, signal) => fetchPicture(`picture?${queryOf({ name, what: "result", v: studio.version })}`, signal);
const fetchMade = async (name, signal) =>
  (await fetchKept(name, signal)) ?? fetchPicture(`preview?${queryOf({ name })}`, signal);

/** Fetch the pieces of the split picture that a texture is a piece of. */
async function fetchPieces(texture, signal) {
  for (const piece of stage.pieces ?? []) {
    if (piece === texture || piece.after.file) continue;
    const made = await fetchMade(piece.source, signal);
    if (signal.aborted) return;
    if (made) piece.after = { file: made.file };
  }
  if (stage.pieces && stage.texture === texture) stage.draw();
}

/** While held the picture of the setting before is shown. */
function blink(held) {
  const { texture } = stage;
  if (!texture || !earlier || held === (texture.after.now !== undefined)) return;
  texture.after = held ? { file: earlier, now: texture.after.file } : { file: texture.after.now };
  stage.draw();
}

const wishedRows = () => select(wished).filter(({ texture }) => QUEUES[wished.queue](texture));

/** Fill the list anew; stay with the texture shown. */
function refill() {
  const keep = stage.texture?.source;
  const rows = wishedRows();
  list.fill(rows, null);
  list.picked = new Set(list.chosen().filter((one) => list.picked.has(one)));
  byId("nothing").hidden = rows.length > 0;
  byId("list").hidden = rows.length === 0;
  byId("shown").textContent = say("shown", { n: rows.length, all: TEXTURES.length });
  markMenus();
  go(rows.length ? Math.max(0, rows.findIndex(({ texture }) => texture.source === keep)) : -1);
}

function markMenus() {
  for (const menu of document.querySelectorAll(".menu")) {
    menu.classList.toggle("active", wished.wanted[menu.dataset.filter].size > 0);
  }
}

function showCounts() {
  if (studio.reading) {
    const { done, total } = studio.reading;
    byId("counts").replaceChildren(element("li", {}, total ? say("reading", { n: done, all: total }) : say("loading")));
  }
  for (const id of ["undo", "redo", "save", "open-run", "open-live", "open-screen"]) byId(id).disabled = studio.reading !== null;
  if (studio.reading) return;
  const looked = ["approve", "reject", "flag"].reduce((sum, mark) => sum + (studio.reviews[mark] ?? 0), 0);
  const texts = [say("reviewed", { n: looked, all: TEXTURES.length }), say("rules", { n: studio.rules }), `${studio.scale}×`,
    studio.model, studio.dirty ? say("unsaved") : null];
  byId("counts").replaceChildren(...texts.filter(Boolean).map((text) => element("li", {}, text)));
  byId("undo").disabled = !studio.undo;
  byId("redo").disabled = !studio.redo;
}

/** Ask for the state anew, without the textures. */
async function refreshState() {
  const state = await ask("state");
  const { recipe } = state;
  Object.assign(studio, { ...state, version: studio.version }); // which is that of the textures, and they are not asked for
  if (!state.reading) Object.assign(studio, { scale: recipe.scale, model: [recipe.model].flat().join(" > "), rules: recipe.rules });
  byId("name").textContent = recipe.name;
  document.title = `${recipe.name} · texpipe studio`;
  showCounts();
  if (state.error) tell(state.error);
  if (state.reading) return;
  showRun(state.run);
  showLive(state.live);
  showNotices(state.notices);
  if (state.changed_on_disk) showChanged();
}

/** Ask for everything anew. */
async function loadAll() {
  for (const name of Object.keys(FILTERS)) wished.wanted[name] ??= new Set();
  await refreshState();
  if (studio.reading) {
    await loadKnown();
    return;
  }
  let columns = await askTextures();
  if (columns.version === 0) columns = await askTextures(); // the last of them was read meanwhile
  const picked = new Set([...list.picked].map(({ source }) => source));
  studio.version = columns.version ?? studio.version;
  takeTextures(rowsOf(columns));
  list.picked = new Set(TEXTURES.filter(({ source }) => picked.has(source)));
  refill();
  showCounts();
  await countAnew();
  document.documentElement.dataset.ready = "true";
}

/** While textures are read, show those that are known so far. */
async function loadKnown() {
  const columns = await askTextures(TEXTURES.length);
  if (columns.version !== 0) return; // all of them are there now, which the server tells
  takeTextures([...TEXTURES, ...rowsOf(columns)]);
  const rows = wishedRows();
  list.grow(rows, rows.findIndex(({ texture }) => texture === stage.texture));
  byId("shown").textContent = TEXTURES.length ? say("shown", { n: rows.length, all: TEXTURES.length }) : say("loading");
  if (!stage.texture && rows.length) go(0);
  knownAt = Date.now();
}

/** Take over how far reading is; the longer the list, the rarer it is made anew. */
function heardOfReading({ reading, error }) {
  studio.reading = reading;
  if (error) tell(error);
  showCounts();
  const isDue = Date.now() - knownAt > Math.max(300, TEXTURES.length / 10);
  if (isDue && reading.known > TEXTURES.length) attempt(loadKnown);
}

/** Count what there is in each queue and filter, while nothing else is to be done; a menu that somebody is in stays as it is. */
async function countAnew() {
  await idle();
  fillQueues();
  await idle();
  if (byId("menus").contains(document.activeElement) || document.querySelector(".menu[open]")) return;
  fillMenus(wished.wanted, refill);
  markMenus();
}

const idle = () => new Promise((done) => requestIdleCallback(done, { timeout: 2000 }));

function fillQueues() {
  const options = Object.entries(QUEUES).map(([id, belongs]) => [id, id ? say(`q_${id}`) : say("all"), TEXTURES.filter(belongs).length]);
  byId("queue").replaceChildren(...options.map(([value, text, count]) => element("option", { value }, `${text} (${count})`)));
  byId("queue").value = wished.queue;
}

const KEYS = {
  ArrowDown: (event) => step(1, event), ArrowUp: (event) => step(-1, event), j: (event) => step(1, event), k: (event) => step(-1, event),
  PageDown: (event) => step(PAGE, event), PageUp: (event) => step(-PAGE, event), Home: (event) => step(-Infinity, event), End: (event) => step(Infinity, event),
  ArrowLeft: () => stage.slide(stage.share - 1), ArrowRight: () => stage.slide(stage.share + 1),
  w: () => decide({ "edges.x": "wrap", "edges.y": "wrap" }),
  m: () => decide({ "edges.x": "mirror", "edges.y": "mirror" }),
  c: () => decide({ "edges.x": "clamp", "edges.y": "clamp" }),
  n: () => decide({ action: "nearest" }), x: () => decide({ action: "skip" }),
  a: () => review("approve"), r: () => review("reject"), f: () => review("flag"),
  s: () => stepSwitch(byId("layout")), t: () => stepSwitch(byId("tiling")), l: () => stepSwitch(byId("channel")),
  b: () => stepSwitch(byId("backdrop")), g: () => byId("extent").hidden || stepSwitch(byId("extent")), e: () => edit(), v: () => blink(true), " ": () => stage.hold(true),
  "+": () => stage.zoomBy(1), "=": () => stage.zoomBy(1), "-": () => stage.zoomBy(-1), 0: () => stage.fit(),
  "/": () => byId("search").focus(), "?": () => byId("help").showModal(),
};
const HELP = [["J K", "k_step"], ["ctrl+click shift+↓", "k_pick"], ["W M C", "k_edges"], ["N X", "k_action"], ["1–9", "k_model"],
  ["A R F", "k_review"], ["ctrl+Z ctrl+shift+Z ctrl+S", "k_undo"], ["V", "k_blink"], ["E", "k_edit"], ["S T L B G", "k_look"], ["+ − 0", "h_zoom"],
  ["/", "k_find"]];

/** Keys as the keyboard has them, each group of keys that are held together in one frame. */
const keysShown = (keys) => keys.split(" ").flatMap((one) =>
  [element("kbd", {}, one.split("+").map((key) => (/^[a-z]+$/.test(key) ? say(`key_${key}`) : key)).join("+") || "+"), " "]);

function pressed(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "Escape") closeMenus();
  if ((event.ctrlKey || event.metaKey) && !wants(event.target, key)) pressedWithCtrl(event, key);
  if (event.ctrlKey || event.metaKey || event.altKey || wants(event.target, key)) return;
  const model = /^[1-9]$/.test(key) ? studio.fields.model?.[Number(key) - 1] : null;
  const does = model ? () => decide({ model }) : Object.hasOwn(KEYS, key) && KEYS[key];
  if (!does) return;
  event.preventDefault();
  if (!event.repeat || /^(Arrow|Page)|^[jk+=-]$/.test(key)) does(event);
}

function pressedWithCtrl(event, key) {
  const does = { z: event.shiftKey ? redo : undo, y: redo, s: openDiff, a: () => list.pickAll() }[key];
  if (!does) return;
  event.preventDefault();
  does();
}

function listen() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", ({ key }) => {
    if (key === " ") stage.hold(false);
    if (key === "v") blink(false);
  });
  byId("search").addEventListener("input", ({ target }) => ((wished.text = target.value), refill()));
  byId("sort").addEventListener("change", ({ target }) => ((wished.order = target.value), refill()));
  byId("queue").addEventListener("change", ({ target }) => ((wished.queue = target.value), refill()));
  byId("clear").addEventListener("click", () => clearFilters());
  const clicks = { undo, redo, save: openDiff, "save-now": save, "select-all": () => (list.pickAll(), refreshPanel()),
    "open-run": () => byId("running").showModal(), "open-help": () => byId("help").showModal(), "switch-theme": theme.toggle,
    "open-live": openLive, "open-screen": openScreen, "live-start": () => plays("start"), "live-stop": () => plays("stop"), "live-write": () => plays("write"),
    "run-start": () => runs("start"), "run-pause": () => runs("pause"), "run-stop": () => runs("stop") };
  for (const [id, does] of Object.entries(clicks)) byId(id).addEventListener("click", () => does());
  listenForDrops(byId("stage"), dropped);
  listenForDrops(byId("seeing"), readScreen);
  byId("screen-file").addEventListener("change", ({ target }) => readScreen(target.files[0]));
}

/** Take all filters and the search away; a queue stays only if it is named. */
function clearFilters(queue = "") {
  Object.values(wished.wanted).forEach((values) => values.clear());
  document.querySelectorAll(".menu input").forEach((input) => (input.checked = false));
  byId("search").value = wished.text = "";
  byId("queue").value = wished.queue = queue;
  refill();
}

async function begin() {
  fitFilters();
  fillTools(stage, step);
  for (const [value, { label }] of Object.entries(ORDERS)) byId("sort").append(element("option", { value }, label));
  byId("sort").value = wished.order;
  byId("queue").append(element("option", { value: "" }, say("all")));
  byId("shown").textContent = say("loading");
  byId("keys").append(...HELP.map(([keys, text]) => element("div", {}, element("dt", {}, ...keysShown(keys)), element("dd", {}, say(text)))));
  listen();
  await sessionOpened;
  await loadAll();
  listenToServer(heard, () => tell(say("lost")));
}

begin().catch((error) => tell(error.message));
