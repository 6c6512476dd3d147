// Several textures in several models, or at several details: a row for each texture, a column for each setting.
"use strict";

const MOST_COMPARED = 6; // textures; each is computed once in every setting
const DETAILS = [0, 0.25, 0.5, 0.75, 1];

/** What can be compared: the settings of its columns. */
const COMPARED = {
  model: () => modelsInOrder().map((model) => ({ model })),
  detail: () => DETAILS.map((detail) => ({ detail })),
};

/** Open the columns of the chosen textures; where one alone is chosen, of some from the whole list. */
function openCompare(picked) {
  const all = picked.length > 1 ? picked : list.rows.map(({ texture }) => texture);
  const sample = spread(all.filter(({ size, action }) => size && action !== "skip"), MOST_COMPARED);
  const what = byId("compare-what");
  what.replaceChildren(...Object.keys(COMPARED).map((field) => element("option", { value: field }, say(`c_${field}`))));
  what.onchange = () => fillColumns(sample, what.value);
  byId("compare").showModal();
  return fillColumns(sample, what.value);
}

/** Some of many, evenly spread. */
const spread = (all, most) => (all.length <= most ? all : Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)]));

async function fillColumns(sample, field) {
  const settings = COMPARED[field]();
  const table = element("table", {},
    element("thead", {}, element("tr", {}, element("td"), ...settings.map((set) => headOf(set, sample)))),
    element("tbody", {}, ...sample.map((texture) => element("tr", {},
      element("th", { scope: "row", class: "path" }, ...breakable(shortName(texture)), element("small", {}, texture.kind ?? "")),
      ...settings.map(() => element("td", { class: "sample" }))))));
  byId("columns").replaceChildren(table);
  const cells = [...table.querySelectorAll(".sample")];
  for (const [row, texture] of sample.entries()) {
    for (const [column, set] of settings.entries()) {
      if (!byId("compare").open || !table.isConnected) return;
      await showSample(cells[row * settings.length + column], texture, set);
    }
  }
}

const nameOf = (set) => String(Object.values(set)[0]);

/** A column's head: its setting, to be taken for the selection, for a kind of textures, or for all. */
function headOf(set, sample) {
  const kinds = [...new Set(sample.map(({ kind }) => kind).filter(Boolean))];
  const take = (text, does) => element("button", { type: "button", "aria-label": `${nameOf(set)}: ${text}`,
    click: () => (byId("compare").close(), does()) }, text);
  return element("th", { scope: "col" }, nameOf(set), take(say("pick"), () => decide(set, { scope: [] })),
    ...kinds.map((kind) => take(say("pickKind", { kind }), () => decide(set, { only: sample.find((one) => one.kind === kind), scope: ["kind"] }))),
    take(say("pickAll"), () => decide(set, { scope: ["all"] })));
}

/** The recipe's model, then those of texpipe, which are small, then the others. */
function modelsInOrder() {
  const place = (model) => (model === studio.model ? 0 : model.startsWith("texpipe-") ? 1 : 2);
  return [...(studio.fields.model ?? [])].sort((a, b) => place(a) - place(b));
}

async function showSample(cell, texture, set) {
  cell.textContent = say("previewing");
  try {
    const shown = await fetchPicture(`preview?${queryOf({ name: texture.source, ...set })}`);
    const label = say("pickOne", { what: nameOf(set), name: texture.source });
    cell.replaceChildren(element("button", { type: "button", class: "sample-pick", "aria-label": label, title: label,
      click: () => pickOne(cell, texture, set) }, element("img", { src: shown.file, alt: "" })));
  } catch (error) {
    cell.textContent = error.message;
  }
}

/** Take a setting for one texture; the columns stay open. */
async function pickOne(cell, texture, set) {
  await decide(set, { only: texture, scope: [] });
  for (const one of cell.parentElement.children) one.classList.toggle("taken", one === cell);
}
