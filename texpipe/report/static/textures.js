// The textures of the page, and what can be derived from them.
"use strict";

const TEXTURES = [];
const RANKS = { seam: new Map(), colour: new Map(), alphaDrift: new Map() };
const inOrder = new Map(); // order -> the textures in it: sorting takes longer than filtering
let common = ""; // what all names begin with, up to a separator: the list leaves it out

/** Take these textures, each with its facts, in place of those before. */
function takeTextures(all) {
  TEXTURES.length = 0;
  all.forEach((texture, number) => {
    texture.number = number;
    takeMeasures(texture);
    TEXTURES.push(texture);
  });
  rankTextures();
  inOrder.clear();
  prepareSearch();
  common = commonStart(TEXTURES);
}

// Where amber and red begin; they only say where to look first.
const LIMITS = { seam: [1.5, 2.5], colour: [2, 5], alphaDrift: [1, 4] };
const MEASURED = Object.keys(LIMITS);

/** Whether a person should say if a texture repeats: it is made both ways, or repeated against the odds. */
const isUncertain = ({ undecided, repeats }) => Boolean(undecided || repeats);

/** The step in levels that a texture has where it repeats, times how likely it repeats; null where that is certain. */
function expectedStep({ undecided, repeats, metrics = {} }) {
  if (!isUncertain({ undecided, repeats })) return null;
  const step = (axis) => (undecided?.[axis] || (repeats?.[axis] ?? null) !== null ? (repeats?.[axis] ?? 0.5) * (metrics[`repeat_step_${axis}`] ?? 0) : 0);
  return Math.max(step("x"), step("y"));
}

const SEEN_STEP = 4; // levels of 255 from which a seam counts in full: of a fainter one nobody sees anything

/** The worst seam of a result; where the source has one, as a multiple of that, which nobody can be blamed for. */
function addedSeam(metrics) {
  const added = (axis) => {
    const seen = Math.min(1, (metrics[`repeat_step_${axis}`] ?? SEEN_STEP) / SEEN_STEP);
    return (seen * (metrics[`seam_${axis}`] ?? 0)) / Math.max(1, metrics[`source_seam_${axis}`] ?? 0);
  };
  return Math.max(added("x"), added("y"));
}

/** Give a texture its measures; null is none. */
function takeMeasures(texture) {
  const { seam_x: x, seam_y: y, colour_drift: colour, alpha_coverage_drift: alpha } = texture.metrics ?? {};
  const seam = Math.max(Number.isFinite(x) ? x : -Infinity, Number.isFinite(y) ? y : -Infinity);
  texture.seam = seam === -Infinity ? null : seam;
  texture.addedSeam = texture.seam === null ? null : addedSeam(texture.metrics);
  texture.colour = colour ?? null;
  texture.alphaDrift = Number.isFinite(alpha) ? Math.abs(alpha) * 100 : null;
  texture.mayRepeat = expectedStep(texture);
}

/** What a measure of a texture is judged by. */
const judged = (measure, texture) => texture[measure === "seam" ? "addedSeam" : measure];

/** 0 unremarkable, 1 amber, 2 red. */
function severity(measure, texture) {
  const value = judged(measure, texture);
  if (value === null) return 0;
  const [amber, red] = LIMITS[measure];
  return value >= red ? 2 : Number(value >= amber);
}

/** The most severe of a texture's measures: 0 unremarkable, 1 amber, 2 red; 3 if it failed. */
function alarmOf(texture) {
  if (texture.status === "failed") return 3;
  let most = 0;
  for (const name of MEASURED) most = Math.max(most, severity(name, texture));
  return most;
}

/** A measure as a multiple of its amber limit. */
const excess = (measure, texture) => (judged(measure, texture) ?? 0) / LIMITS[measure][0];

/** Number the textures by what one measure is judged by, from the worst; those without a value get none. */
function rankBy(measure) {
  const measured = TEXTURES.filter((texture) => texture[measure] !== null);
  const value = (texture) => judged(measure, texture);
  measured.sort((a, b) => value(b) - value(a) || a.number - b.number);
  const ranks = new Map();
  measured.forEach((texture, at) => {
    const before = measured[at - 1];
    ranks.set(texture, before && value(before) === value(texture) ? ranks.get(before) : at + 1);
  });
  return ranks;
}

/** Number the textures in each measure, and say of each how much it alarms and by how much it exceeds a limit. */
function rankTextures() {
  for (const name of MEASURED) RANKS[name] = rankBy(name);
  for (const texture of TEXTURES) {
    texture.alarm = alarmOf(texture);
    texture.excess = Math.max(...MEASURED.map((name) => excess(name, texture)));
  }
}

/** What all names begin with, up to the last separator. */
function commonStart(textures) {
  let start = textures.length > 1 ? textures[0].source : "";
  for (const { source } of textures) while (!source.startsWith(start)) start = start.slice(0, -1);
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
