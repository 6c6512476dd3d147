// The textures of the page, and what can be derived from them.
"use strict";

const TEXTURES = [];
const RANKS = { seam: new Map(), colour: new Map(), alphaDrift: new Map() };
const inOrder = new Map(); // order -> the textures in it: sorting takes longer than filtering
let common = ""; // what all names begin with, up to a separator: the list leaves it out

/** Take these textures, each with its facts, in place of those before. */
function takeTextures(all) {
  TEXTURES.length = 0;
  all.forEach((facts, number) => TEXTURES.push(Object.assign(facts, { number }, measuresOf(facts))));
  for (const measure of Object.keys(RANKS)) RANKS[measure] = rankBy(measure);
  for (const texture of TEXTURES) Object.assign(texture, { alarm: alarmOf(texture), rank: worstRank(texture) });
  inOrder.clear();
  prepareSearch();
  common = commonStart(TEXTURES.map(({ source }) => source));
}

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

/** The most severe of a texture's measures: 0 unremarkable, 1 amber, 2 red; 3 if it failed. */
function alarmOf(texture) {
  if (texture.status === "failed") return 3;
  return Math.max(...Object.keys(LIMITS).map((measure) => severity(measure, texture[measure])));
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

/** The best of a texture's places among the worst: 1 if it is the worst in anything, 0 if it failed. */
function worstRank(texture) {
  if (texture.status === "failed") return 0;
  const ranks = Object.values(RANKS).map((of) => of.get(texture) ?? Infinity);
  return Math.min(...ranks);
}

/** What all names begin with, up to the last separator. */
function commonStart(names) {
  let start = names.length > 1 ? names[0] : "";
  for (const name of names) while (!name.startsWith(start)) start = start.slice(0, -1);
  return start.slice(0, Math.max(start.lastIndexOf("/"), start.lastIndexOf("#")) + 1);
}

const MAKERS = { nearest: say("nearest"), hand: say("hand") };

/** Who made a texture's picture: a model by its name, a person, or nobody. */
function makerOf({ by }) {
  if (!by) return say("nobody");
  return by.model ?? MAKERS[by.kind] ?? by.kind;
}

/** How an axis is treated; an undecided one is computed both ways. */
function edgeOf(texture, axis) {
  return texture.undecided?.[axis] ? say("both") : texture.edges?.[axis];
}

/** The pieces of the split picture that a texture is one of; null where it is none, or a piece has no known place. */
function piecesOf(texture) {
  if (!texture?.spot || !texture.family) return null;
  const family = TEXTURES.filter((one) => one.family === texture.family);
  return family.every((one) => one.spot && one.size) ? family : null;
}

const shortName = (texture) => texture.source.slice(common.length);
const pixels = ([width, height]) => `${width} × ${height}`;
/** The address of a picture: of a served one its own, else that in the report's folder. */
const picture = (file) => (/^(\/|blob:)/.test(file) ? file : `pictures/${file}`);
