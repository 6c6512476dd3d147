// The panel on the right: how the chosen textures are treated, for them alone or for all that are like them.
"use strict";

const FIELDS = {
  "edges.x": { label: "f_edgesx", value: ({ edges }) => edges.x },
  "edges.y": { label: "f_edgesy", value: ({ edges }) => edges.y },
  alpha: { label: "f_alpha", value: ({ alpha }) => alpha },
  action: { label: "f_action", value: ({ action }) => action },
  model: { label: "f_model", value: ({ model }) => model },
  detail: { label: "f_detail", value: ({ detail }) => detail },
  colour: { label: "f_colour", value: ({ colour_mode: colour }) => colour },
  outline: { label: "f_outline", value: ({ outline }) => outline },
  consistency: { label: "f_consistency", value: () => null },
  clean: { label: "f_clean", value: () => null },
  cells: { label: "f_cells", value: () => null },
};

/** What the fields of the panel decide for: the scopes that are checked. */
const chosenScopes = () => [...document.querySelectorAll("#scopes input:checked")].map(({ value }) => value);

/** Show the panel for the chosen textures; the first is the one on the stage. */
function showPanel(panel, texture, picked) {
  if (!texture) {
    panel.replaceChildren();
    return;
  }
  if (studio.reading) {
    panel.replaceChildren(panelHeading(texture, picked), element("p", { class: "note" }, say("readingHint")));
    return;
  }
  const kept = chosenScopes();
  const focused = panel.contains(document.activeElement) && document.activeElement.id;
  panel.replaceChildren(...[
    panelHeading(texture, picked),
    scopesOf(texture, kept),
    section(say("decide"), element("div", { class: "fields" }, ...Object.keys(FIELDS)
      .filter((name) => studio.fields[name]).map((name) => fieldRow(name, picked))), tryBox()),
    groupBox(texture, picked),
    element("div", { class: "doing" },
      element("button", { type: "button", id: "open-editor", click: edit }, say("edit")),
      element("button", { type: "button", id: "open-compare", click: () => openCompare(picked) }, say("compare")),
      element("small", {}, say("dropHint"))),
    reviewOf(texture),
    element("div", { id: "reasons" }),
  ].filter(Boolean));
  countScopes(texture);
  if (focused) byId(focused)?.focus({ preventScroll: true }); // who decides by keyboard goes on from there
}

function panelHeading(texture, picked) {
  const chips = [texture.size && pixels(texture.size), texture.format, texture.kind, statusName(texture.status)];
  return element("header", {},
    element("h2", { class: "path" }, ...breakable(texture.source)),
    element("ul", { class: "chips" }, ...chips.filter(Boolean).map((text) => element("li", { "data-value": text }, text)),
      picked.length > 1 ? element("li", { class: "picked" }, say("selected", { n: picked.length })) : null));
}

function scopesOf(texture, kept) {
  const boxes = studio.scopes.filter((scope) => scope !== "name").map((scope) => {
    const input = element("input", { type: "checkbox", id: `scope-${scope}`, value: scope, change: () => countScopes(texture) });
    input.disabled = (SCOPE_VALUES[scope](texture) ?? null) === null;
    input.checked = kept.includes(scope) && !input.disabled;
    return element("label", {}, input, say(`s_${scope}`));
  });
  return element("fieldset", { id: "scopes", class: "scopes" }, element("legend", {}, say("like")), ...boxes,
    element("output", { id: "like-count" }));
}

function countScopes(texture) {
  const scopes = chosenScopes();
  byId("like-count").textContent = scopes.length ? say("likeCount", { n: countLike(texture, scopes) }) : "";
}

function fieldRow(name, picked) {
  const { label, value } = FIELDS[name];
  const values = new Set(picked.map(value));
  const shown = values.size === 1 ? [...values][0] : undefined;
  const id = `field-${name.replace(".", "-")}`;
  return element("div", { class: "field" }, element("label", { for: id }, say(label)), fieldControl(name, id, shown));
}

/** A list of values, or a box for a number or text; a change is decided at once. */
function fieldControl(name, id, shown) {
  const known = studio.fields[name];
  if (!Array.isArray(known)) {
    const isNumber = known && typeof known === "object";
    const box = element("input", {
      id, type: isNumber ? "number" : "text", ...(isNumber ? { ...known, step: 0.05 } : { placeholder: String(known) }),
      change: ({ target }) => choose({ [name]: target.value === "" ? null : isNumber ? Number(target.value) : target.value }),
    });
    box.value = shown ?? "";
    return box;
  }
  const empty = shown === undefined ? say("mixed") : name === "model" ? say("recipes") : say("automatic");
  const options = [["", empty], ...known.filter((one) => one !== "auto" && one !== "").map((one) => [one, one])];
  if (shown && !known.includes(shown)) options.push([shown, shown]);
  const select = element("select", { id, change: ({ target }) => choose({ [name]: target.value || null }) },
    ...options.map(([value, text]) => element("option", { value }, text)));
  select.value = shown ?? "";
  return select;
}

/** Whether fields only show another setting beside the present one, and what to do with it. */
function tryBox() {
  const box = element("input", { type: "checkbox", id: "trying", change: ({ target }) => setTrying(target.checked) });
  box.checked = tried !== null;
  const take = element("button", { type: "button", id: "take-tried", click: takeTried }, say("takeTried"));
  take.disabled = !tried || !Object.keys(tried).length;
  return element("div", { class: "trying" }, element("label", {}, box, say("tryOnly")), take);
}

let tried = null; // the other setting that is tried, or null

function setTrying(on) {
  tried = on ? {} : null;
  if (!on && stage.texture?.other) {
    stage.texture.other = undefined;
    stage.draw();
  }
  refreshPanel();
}

/** Decide, or where settings are only tried, show this one beside the present one. */
const choose = (set) => (tried ? tryOut({ ...tried, ...set }) : decide(set));

async function tryOut(set) {
  const { texture } = stage;
  if (!texture) return;
  tried = set;
  await attempt(async () => {
    tell(say("previewing"));
    const given = Object.entries(set).map(([name, value]) => [name, value ?? ""]);
    const shown = await fetchPicture(`preview?${queryOf([["name", texture.source], ...given])}`);
    texture.other = { file: shown.file };
    byId("layout").querySelector("[value=beside]").click();
    if (stage.texture === texture) stage.draw();
    tell(say("triedNow", { what: inWords(set), s: shown.seconds.toFixed(1) }));
  });
  byId("take-tried").disabled = false;
}

function takeTried() {
  const set = tried;
  setTrying(false);
  decide(set);
}

const inWords = (set) => Object.entries(set).map(([name, value]) => `${say(FIELDS[name].label)}: ${value ?? say("automatic")}`).join("; ");

/** Join several textures as one picture that the console had to split, or take that back. */
function groupBox(texture, picked) {
  if (texture.group) {
    return element("div", { class: "doing" }, element("small", {}, say("pieceOf", { name: texture.group })),
      element("button", { type: "button", id: "ungroup", click: ungroup }, say("ungroup")));
  }
  if (picked.length < 2) return null;
  const columns = element("input", { type: "number", id: "group-columns", min: 1, max: picked.length, value: 1, "aria-label": say("columns") });
  const overlap = element("select", { id: "group-overlap", "aria-label": say("overlap") },
    ...[0, 1, 2, 4].map((texels) => element("option", { value: texels }, String(texels))));
  return section(say("splitPicture", { n: picked.length }), element("div", { class: "fields" },
    element("div", { class: "field" }, element("label", { for: "group-columns" }, say("columns")), columns),
    element("div", { class: "field" }, element("label", { for: "group-overlap" }, say("overlap")), overlap)),
    element("button", { type: "button", id: "group", click: () => group(Number(columns.value), Number(overlap.value)) }, say("group")));
}

const group = (columns, overlap) => attempt(async () => {
  const names = list.chosen().map(({ source }) => source);
  await send("group", { version: studio.version, names, columns, overlap });
  await loadAll();
  tell(say("grouped", { n: names.length }));
});

const ungroup = () => attempt(async () => {
  const done = await send("ungroup", { version: studio.version, names: [stage.texture.source] });
  await loadAll();
  tell(say("ungrouped", { n: done.affected }));
});

/** Open the texture's picture in the system's program; the page shows it when it is saved there. */
const edit = () => attempt(async () => {
  const done = await send("edit", { name: stage.texture.source });
  took(done, say("editing", { path: done.path }));
});

function reviewOf(texture) {
  const marks = ["approve", "reject", "flag"].map((mark) =>
    element("button", { type: "button", id: `verdict-${mark}`, class: `verdict ${mark}`, "aria-pressed": String(texture.review === mark), click: () => review(mark) },
      `${MARKS[mark]} ${say(mark)}`));
  const note = element("input", { id: "note", type: "text", "aria-label": say("note"), placeholder: say("note"),
    change: ({ target }) => review(undefined, target.value) });
  note.value = texture.note;
  return section(say("review"), element("div", { class: "marks" }, ...marks), note);
}

/** Decide for the chosen textures, or for `only` one; or for all that are like the first in every scope. */
async function decide(set, { only = null, scope = chosenScopes() } = {}) {
  const texture = only ?? stage.texture;
  if (!texture) return;
  const chosen = only ? [] : list.chosen().map(({ source }) => source);
  const names = [texture.source, ...chosen.filter((name) => name !== texture.source)];
  const what = inWords(set);
  await attempt(async () => {
    const done = await send("decide", { version: studio.version, names, scope, set });
    took(done, say("decidedNow", { what, n: done.affected, r: done.rules_added ?? 0 }));
  });
}

/** Mark or note the chosen textures. */
async function review(mark, note) {
  const chosen = list.chosen();
  await attempt(async () => {
    const again = mark && chosen.every((one) => one.review === mark) ? null : mark;
    const body = { names: chosen.map(({ source }) => source), ...(mark === undefined ? { note: note || null } : { mark: again }) };
    const { reviews } = await send("review", body);
    for (const one of chosen) one.remark(mark === undefined ? { note } : { review: again ?? "" });
    studio.reviews = reviews;
    showCounts();
    fillQueues();
    list.redraw();
    tell(say("reviewedNow", { mark: again ? say(again) : say("note"), n: chosen.length }));
    if (mark && again && chosen.length === 1) step(1);
    else refreshPanel();
  });
}

/** Fetch and show why the texture is treated as it is. */
async function showReasons(texture) {
  const told = await ask(`texture?${queryOf({ name: texture.source })}`);
  if (stage.texture !== texture || !byId("reasons")) return;
  const by = told.decided_by ?? {};
  const lines = [["f_action_was", by.action], ["f_alpha", by.alpha], ["f_edgesx", by.x], ["f_edgesy", by.y]];
  const shown = lines.filter(([, why]) => why).map(([label, why]) => decision([say(label), "", why]));
  byId("reasons").replaceChildren(...[
    told.warnings?.length ? element("ul", { class: "problems level-1" }, ...told.warnings.map((line) => element("li", {}, line))) : null,
    section(say("why"), element("dl", { class: "why" }, ...shown)),
  ].filter(Boolean));
}
