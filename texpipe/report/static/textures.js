// The textures of the report, what can be derived from them, and the orders and filters of the list.
"use strict";

const DATA = JSON.parse(byId("data").textContent);
const TEXTURES = DATA.textures.map((facts, number) => ({ ...facts, number, ...measuresOf(facts) }));

// Where amber and red begin; they only say where to look first.
const LIMITS = { seam: [1.5, 2.5], colour: [2, 5], alphaDrift: [1, 4] };

/** The step in levels that a texture has where it repeats, times how likely it repeats; null where all is decided. */
function expectedStep(undecided, repeats, metrics) {
  if (!undecided) return null;
  const step = (axis) => (repeats[axis] ?? 0.5) * (metrics[`repeat_step_${axis}`] ?? 0);
  return Math.max(...["x", "y"].map((axis) => (undecided[axis] ? step(axis) : 0)));
}

function measuresOf({ metrics = {}, undecided = null, repeats = {} }) {
  const seams = [metrics.seam_x, metrics.seam_y].filter(Number.isFinite);
  const alpha = metrics.alpha_coverage_drift;
  return {
    seam: seams.length ? Math.max(...seams) : null,
    colour: metrics.colour_drift ?? null,
    alphaDrift: Number.isFinite(alpha) ? Math.abs(alpha) * 100 : null,
    mayRepeat: expectedStep(undecided, repeats, metrics),
  };
}

/** 0 unremarkable, 1 amber, 2 red. */
function severity(measure, value) {
  return value === null ? 0 : LIMITS[measure].filter((limit) => value >= limit).length;
}

/** Number the textures by one measure from the worst; those without a value get none. */
function rankBy(measure) {
  const measured = TEXTURES.filter((texture) => texture[measure] !== null);
  measured.sort((a, b) => b[measure] - a[measure] || a.number - b.number);
  const ranks = new Map();
  measured.forEach((texture, at) => {
    const before = measured[at - 1];
    ranks.set(texture, before && before[measure] === texture[measure] ? ranks.get(before) : at + 1);
  });
  return ranks;
}

const RANKS = { seam: rankBy("seam"), colour: rankBy("colour"), alphaDrift: rankBy("alphaDrift") };

/** The best of a texture's places among the worst: 1 if it is the worst in anything, 0 if it failed. */
function worstRank(texture) {
  if (texture.status === "failed") return 0;
  const ranks = Object.values(RANKS).map((of) => of.get(texture) ?? Infinity);
  return Math.min(...ranks);
}

const area = ({ size }) => (size ? size[0] * size[1] : 0);
const byName = (a, b) => a.number - b.number;
const worst = (measure) => (a, b) => (b[measure] ?? -1) - (a[measure] ?? -1) || byName(a, b);

const ORDERS = {
  worst: { label: "Worst in any measure", compare: (a, b) => a.rank - b.rank || byName(a, b) },
  seam: { label: "Worst seam", compare: worst("seam") },
  mayRepeat: { label: "May repeat, not certain", compare: worst("mayRepeat") },
  colour: { label: "Worst colour drift", compare: worst("colour") },
  alpha: { label: "Worst alpha drift", compare: worst("alphaDrift") },
  name: { label: "Name", compare: byName },
  large: { label: "Largest first", compare: (a, b) => area(b) - area(a) || byName(a, b) },
  small: { label: "Smallest first", compare: (a, b) => area(a) - area(b) || byName(a, b) },
};

for (const texture of TEXTURES) texture.rank = worstRank(texture);

function sideClass({ size }) {
  if (!size) return "unknown";
  const side = Math.max(...size);
  return side <= 16 ? "up to 16" : side <= 32 ? "up to 32" : side <= 64 ? "up to 64" : "larger";
}

/** What to look at: measures beyond their limits, and what reading the file had to change. */
function warningsOf(texture) {
  const found = Object.keys(LIMITS).filter((name) => severity(name, texture[name]) > 0);
  const all = [...found.map((name) => MEASURES[name].label), ...(texture.warnings ? ["Reading the file"] : [])];
  return all.length ? all : ["None"];
}

function stateOf(texture) {
  const found = [texture.status];
  if (texture.undecided) found.push("may repeat, not certain");
  if (texture.duplicates) found.push("with duplicates");
  if (texture.before.missing || texture.after.missing) found.push("picture missing");
  return found;
}

const MAKERS = { nearest: "repeated texels", hand: "by hand" };

/** Who made a texture's picture: a model by its name, a person, or nobody. */
function makerOf({ by }) {
  if (!by) return "nothing made";
  return by.model ?? MAKERS[by.kind] ?? by.kind;
}

const FILTERS = {
  class: { label: "Class", values: (texture) => [texture.alpha ?? "unknown"] },
  size: { label: "Size", values: (texture) => [sideClass(texture)] },
  target: { label: "Target", values: (texture) => (texture.outputs ?? []).map((one) => one.target) },
  by: { label: "Made by", values: (texture) => [makerOf(texture)] },
  warning: { label: "Warning", values: warningsOf },
  state: { label: "State", values: stateOf },
};

/** Count how many textures have each value of a filter, commonest first. */
function valuesOf(filter) {
  const counts = new Map();
  for (const texture of TEXTURES) {
    for (const value of new Set(FILTERS[filter].values(texture))) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Whether a texture has one of the wanted values in every filter that wants any, and the text in a name. */
function fits(texture, wanted, text) {
  const named = [texture.source, ...(texture.duplicates ?? [])];
  if (text && !named.some((name) => name.toLowerCase().includes(text))) return false;
  return Object.entries(wanted).every(
    ([filter, values]) => !values.size || FILTERS[filter].values(texture).some((value) => values.has(value)),
  );
}

/** Keep the first texture of each family; `count` says how many it stands for. */
function folded(textures) {
  const shown = [];
  const first = new Map();
  for (const texture of textures) {
    const row = texture.family && first.get(texture.family);
    if (row) row.count += 1;
    else {
      const made = { texture, count: 1 };
      shown.push(made);
      if (texture.family) first.set(texture.family, made);
    }
  }
  return shown;
}

/** Return the rows of the list: { texture, count }. */
function select({ wanted, text, order, fold }) {
  const kept = TEXTURES.filter((texture) => fits(texture, wanted, text.trim().toLowerCase()));
  kept.sort(ORDERS[order].compare);
  return fold ? folded(kept) : kept.map((texture) => ({ texture, count: 1 }));
}

/** What all names begin with, up to a separator: the list leaves it out. */
const COMMON = (() => {
  let common = TEXTURES.length > 1 ? TEXTURES[0].source : "";
  for (const { source } of TEXTURES) while (!source.startsWith(common)) common = common.slice(0, -1);
  return common.slice(0, Math.max(common.lastIndexOf("/"), common.lastIndexOf("#")) + 1);
})();

const shortName = (texture) => texture.source.slice(COMMON.length);
const pixels = ([width, height]) => `${width} × ${height}`;
const picture = (file) => `pictures/${file}`;
