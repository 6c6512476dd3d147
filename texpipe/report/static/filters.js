// The list's orders, filters and search.
"use strict";

const area = ({ size }) => (size ? size[0] * size[1] : 0);
const byName = (a, b) => a.number - b.number;
const worst = (measure) => (a, b) => (judged(measure, b) ?? -1) - (judged(measure, a) ?? -1) || byName(a, b);

const ORDERS = {
  worst: { label: say("o_worst"), compare: (a, b) => b.alarm - a.alarm || b.excess - a.excess || byName(a, b) },
  seam: { label: say("o_seam"), compare: worst("seam") },
  mayRepeat: { label: say("o_mayRepeat"), compare: worst("mayRepeat") },
  colour: { label: say("o_colour"), compare: worst("colour") },
  alpha: { label: say("o_alpha"), compare: worst("alphaDrift") },
  name: { label: say("o_name"), compare: byName },
  large: { label: say("o_large"), compare: (a, b) => area(b) - area(a) || byName(a, b) },
  small: { label: say("o_small"), compare: (a, b) => area(a) - area(b) || byName(a, b) },
};

const SIDES = [16, 32, 64].map((most) => ({ most, name: say("v_upTo", { n: most }) }));
const LARGER = say("v_larger");

function sideClass({ size }) {
  if (!size) return say("v_unknown");
  const side = Math.max(size[0], size[1]);
  return SIDES.find(({ most }) => side <= most)?.name ?? LARGER;
}

/** What to look at: measures beyond their limits, and what reading the file had to change. */
function warningsOf(texture) {
  const found = Object.keys(LIMITS).filter((name) => severity(name, texture) > 0);
  const all = [...found.map((name) => MEASURES[name].label), ...(texture.warnings ? [say("v_reading")] : [])];
  return all.length ? all : [say("v_none")];
}

function stateOf(texture) {
  const found = [statusName(texture.status)];
  if (isUncertain(texture)) found.push(say("v_mayRepeat"));
  if (texture.duplicates) found.push(say("v_duplicates"));
  if (texture.instead_of) found.push(say("v_inputs"));
  if (texture.before.missing || texture.after.missing) found.push(say("v_gone"));
  return found;
}

const edgesOf = (texture) => ["x", "y"].map((axis) => edgeOf(texture, axis) ?? say("v_unknown"));
const reasonsOf = ({ decided_by: by }) => (by ? [by.action, by.alpha, by.x, by.y] : []);

/** Who decided anything of a texture: "rule 3", "classify" and the like. */
const decidersOf = (texture) => reasonsOf(texture).map((reason) => reasonIn(reason.split(": ", 1)[0]));

/** How sure the least certain decision is that says so in percent. */
function surenessOf(texture) {
  const told = reasonsOf(texture).map((reason) => /\((\d+)% sure\)/.exec(reason)?.[1]).filter(Boolean);
  return surenessIn(told.length ? Math.min(...told.map(Number)) / 100 : 1);
}

const SURE = { certain: say("v_certain"), most: say("v_atLeast", { n: 90 }), much: say("v_between", { from: 70, to: 89 }),
  little: say("v_below", { n: 70 }) };

/** A confidence of 0 to 1 in words. */
function surenessIn(least) {
  if (least === 1) return SURE.certain;
  if (least >= 0.9) return SURE.most;
  return least >= 0.7 ? SURE.much : SURE.little;
}

const FILTERS = {
  class: { label: say("l_class"), values: (texture) => [texture.alpha ?? say("v_unknown")] },
  kind: { label: say("l_kind"), values: (texture) => [texture.kind ?? say("v_notSure")] },
  size: { label: say("l_size"), values: (texture) => [sideClass(texture)] },
  format: { label: say("l_format"), values: (texture) => [texture.format ?? say("v_unknown")] },
  edges: { label: say("l_edges"), values: edgesOf },
  rule: { label: say("l_rule"), values: decidersOf },
  sure: { label: say("l_sure"), values: (texture) => [surenessOf(texture)] },
  target: { label: say("l_target"), values: (texture) => (texture.outputs ?? []).map((one) => one.target) },
  input: { label: say("l_input"), values: (texture) => [texture.input ?? say("v_unknown")] },
  by: { label: say("l_by"), values: (texture) => [makerOf(texture)] },
  warning: { label: say("l_warning"), values: warningsOf },
  state: { label: say("l_state"), values: stateOf },
};

/** Count how many textures have each value of a filter, commonest first. */
function valuesOf(filter) {
  const counts = new Map();
  for (const [texture, many] of alikeIn(filter)) {
    const values = FILTERS[filter].values(texture);
    for (const value of values.length > 1 ? new Set(values) : values) counts.set(value, (counts.get(value) ?? 0) + many);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Textures that stand for all with the same values in a filter, each with their number. */
let alikeIn = (filter) => TEXTURES.map((texture) => [texture, 1]);

/** Everything that the search looks at, in small letters; made when a texture is first looked at. */
function searched(texture) {
  texture.searched ??= `${texture.source.toLowerCase()}\n${texture.words ?? wordsOf(texture)}`;
  return texture.searched;
}

/** What the search looks at beside the name. */
const wordsOf = (texture) => inSmallLetters([
  texture.kind ? `kind:${texture.kind}` : "",
  ...(texture.duplicates ?? []),
  texture.group,
  texture.input,
  texture.format,
  texture.alpha,
  texture.status,
  statusName(texture.status),
  makerOf(texture),
  ...edgesOf(texture),
  ...decidersOf(texture),
  ...Object.values(texture.id ?? {}),
]);
const inSmallLetters = (words) => words.join("\n").toLowerCase();

const PREPARED_AT_ONCE = 500; // textures between two looks at the clock

/** Make the texts of the search while nothing else is to be done, so that its first letter is as fast as the next. */
function prepareSearch(from = 0) {
  if (from >= TEXTURES.length) return;
  requestIdleCallback((deadline) => {
    let at = from;
    do {
      TEXTURES.slice(at, at + PREPARED_AT_ONCE).forEach(searched);
      at += PREPARED_AT_ONCE;
    } while (at < TEXTURES.length && deadline.timeRemaining() > 1);
    prepareSearch(at);
  });
}

/** Whether a texture has all words of a text, and one of the wanted values in every filter that wants any. */
function fits(texture, wanted, words) {
  const text = words.length ? searched(texture) : "";
  return (
    words.every((word) => text.includes(word)) &&
    wanted.every(([filter, values]) => FILTERS[filter].values(texture).some((value) => values.has(value)))
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

/** All textures in an order. */
function sorted(order) {
  if (!inOrder.has(order)) inOrder.set(order, [...TEXTURES].sort(ORDERS[order].compare));
  return inOrder.get(order);
}

/** Return the rows of the list: { texture, count }. */
function select({ wanted, text, order, fold }) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const wanting = Object.entries(wanted).filter(([, values]) => values.size);
  const kept = sorted(order).filter((texture) => fits(texture, wanting, words));
  return fold ? folded(kept) : kept.map((texture) => ({ texture, count: 1 }));
}
