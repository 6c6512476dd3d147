// Several textures by several models: a row for each texture, a column for each model, one click takes a model.
"use strict";

const MOST_COMPARED = 6; // textures; each is computed once for every model

async function compareModels(picked) {
  const models = modelsInOrder();
  const sample = picked.slice(0, MOST_COMPARED);
  byId("columns").replaceChildren(element("table", {},
    element("thead", {}, element("tr", {}, element("td"), ...models.map((model) => element("th", { scope: "col" }, model,
      element("button", { type: "button", click: () => pickModel(model) }, say("pick")))))),
    element("tbody", {}, ...sample.map((texture) => element("tr", {},
      element("th", { scope: "row", class: "path" }, ...breakable(shortName(texture))),
      ...models.map(() => element("td", { class: "sample" })))))));
  byId("compare").showModal();
  const cells = [...byId("columns").querySelectorAll(".sample")];
  for (const [row, texture] of sample.entries()) {
    for (const [column, model] of models.entries()) {
      if (!byId("compare").open) return;
      await showSample(cells[row * models.length + column], texture, model);
    }
  }
}

/** The recipe's model, then those of texpipe, which are small, then the others. */
function modelsInOrder() {
  const place = (model) => (model === studio.model ? 0 : model.startsWith("texpipe-") ? 1 : 2);
  return [...(studio.fields.model ?? [])].sort((a, b) => place(a) - place(b));
}

async function showSample(cell, texture, model) {
  cell.textContent = say("previewing");
  try {
    const shown = await fetchPicture(`preview?${queryOf({ name: texture.source, model })}`);
    cell.replaceChildren(element("img", { src: shown.file, alt: `${texture.source}, ${model}` }));
  } catch (error) {
    cell.textContent = error.message;
  }
}

function pickModel(model) {
  byId("compare").close();
  decide({ model });
}
