// The panel of facts: measures, decisions with their reasons, relatives, files.
"use strict";

const MEASURES = {
  seam: { label: say("m_seam"), short: say("m_seamShort"), text: (value) => value.toFixed(2), full: 4 },
  colour: { label: say("m_colour"), short: say("m_colourShort"), text: (value) => value.toFixed(1), full: 15 },
  alphaDrift: { label: say("m_alpha"), short: say("m_alphaShort"), text: (value) => `${value.toFixed(1)} %`, full: 6 },
};

function showFacts(panel, texture, reveal) {
  if (!texture) {
    panel.replaceChildren();
    return;
  }
  panel.replaceChildren(
    ...[heading(texture), problems(texture), measures(texture), decisions(texture), relatives(texture, reveal),
      duplicates(texture), files(texture), identity(texture)].filter(Boolean),
  );
  panel.scrollTop = 0;
}

function heading(texture) {
  const sizes = [texture.size, texture.outputs?.[0]?.size].filter(Boolean).map(pixels).join(" → ");
  const chips = [sizes, texture.format, texture.kind, texture.alpha, texture.group && say("pieceIn", { name: texture.group }),
    statusName(texture.status)];
  return element(
    "header",
    {},
    element("h2", { class: "path" }, ...breakable(texture.source)),
    element("ul", { class: "chips" }, ...chips.filter(Boolean).map((text) => element("li", { "data-value": text }, text))),
  );
}

/** Let long names break after separators. */
function breakable(name) {
  return name.split(/(?<=[/#_.-])/).flatMap((part) => [part, element("wbr")]);
}

function problems(texture) {
  const lines = [...(texture.warnings ?? [])];
  if (texture.reason) lines.unshift(`${statusName(texture.status)}: ${texture.reason}`);
  if (!lines.length) return null;
  const level = texture.status === "failed" ? "level-2" : "level-1";
  return element("ul", { class: `problems ${level}` }, ...lines.map((line) => element("li", {}, line)));
}

function measures(texture) {
  const names = Object.keys(MEASURES).filter((name) => texture[name] !== null);
  if (!names.length) return null;
  return section(say("measures"), element("dl", { class: "measures" }, ...names.map((name) => measure(texture, name))));
}

function measure(texture, name) {
  const { label, text, full } = MEASURES[name];
  const value = texture[name];
  const ranks = RANKS[name];
  const bar = element("span", { class: `bar level-${severity(name, texture)}`, "aria-hidden": "true" }, element("i"));
  bar.firstChild.style.width = `${Math.min(100, (value / full) * 100)}%`;
  const place = value > 0 ? rankText(ranks.get(texture), ranks.size, name) : "";
  const { seam_x: x, seam_y: y } = texture.metrics;
  const axes = name === "seam" && Number.isFinite(x) && Number.isFinite(y) ? `x ${x.toFixed(2)}, y ${y.toFixed(2)}` : "";
  return element(
    "div",
    {},
    element("dt", {}, label),
    element("dd", {}, element("b", {}, text(value)), bar, element("small", {}, [axes, place].filter(Boolean).join(" · "))),
  );
}

/** Which place a texture has by one measure: by another it has another one. */
function rankText(number, all, name) {
  const measure = MEASURES[name].short;
  return number === 1 ? say("firstRank", { all, measure }) : say("rank", { place: ordinal(number), all, measure });
}

/** A number as a place in an order: 2nd, or in German 2. */
function ordinal(number) {
  if (LANGUAGE === "de") return `${number}.-`;
  const teens = number % 100 >= 11 && number % 100 <= 13;
  const suffix = teens ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th");
  return `${number}${suffix}`;
}

function decisions(texture) {
  if (!texture.decided_by) return null;
  const { action, alpha, x, y } = texture.decided_by;
  const did = ["written", "copied", "skipped", "failed"].includes(texture.status) ? say(`did_${texture.status}`) : undefined;
  const lines = [
    [say("action"), did, action],
    ...madeBy(texture),
    ...madeSmaller(texture),
    [say("alpha"), texture.alpha, alpha],
    [say("leftRight"), edgeOf(texture, "x"), x],
    [say("topBottom"), edgeOf(texture, "y"), y],
  ];
  if (texture.spot) lines.push([say("pieceLabel"), say("pieceAt", { column: texture.spot.column + 1, row: texture.spot.row + 1 }), texture.spot.why]);
  if (texture.variant) {
    const own = texture.variant.like === texture.source;
    lines.push([say("structure"), own ? say("structureOwn") : say("structureOf"), structure(texture.variant)]);
  }
  if (texture.mirror) {
    lines.push([say("mirrorImage"), say(`flip_${texture.mirror.axis}`), say("upscaledWas", { why: texture.mirror.why, name: texture.mirror.of })]);
  }
  if (texture.input) lines.push([say("input"), texture.input, insteadOf(texture)]);
  return section(say("decided"), element("dl", { class: "why" }, ...lines.map(decision)));
}

/** Which other inputs have a picture of that name that is not used. */
function insteadOf({ instead_of: others }) {
  return others ? say("insteadOf", { names: others.join(", ") }) : "";
}

/** Who made the picture, and of a hand-made, edited or foreign one its file. */
function madeBy(texture) {
  if (!texture.by) return [];
  const { detail, file } = texture.by;
  return [[say("madeBy"), makerOf(texture), Number.isFinite(detail) ? say("detailAt", { n: detail }) : (file ?? "")]];
}

/** At which scale a texture was written to keep a budget, and what that costs, for each target where it was. */
function madeSmaller({ outputs = [] }) {
  return outputs
    .filter(({ scale }) => scale)
    .map(({ target, scale, loss }) => [say("writtenAt"), say("atScale", { n: scale }), say("forBudget", { target, n: loss.toFixed(1) })]);
}

function decision([what, value, why]) {
  const [, who, reason] = /^([^:]*): (.*)$/s.exec(why) ?? [null, null, why];
  return element(
    "div",
    {},
    element("dt", {}, what),
    element("dd", {}, element("b", {}, value ?? "–"), who ? element("span", { class: "who" }, reasonIn(who)) : null,
      element("p", {}, reasonIn(reason))),
  );
}

function structure({ like, why }) {
  return say("upscaledWas", { why, name: like });
}

/** Other palettes, tints or flips of the same texels, or the whole picture that this is a piece of. */
function relatives(texture, reveal) {
  if (!texture.family) return null;
  const family = TEXTURES.filter((one) => one.family === texture.family);
  const buttons = family.map((one) =>
    element(
      "button",
      { type: "button", title: one.source, "aria-current": one === texture ? "true" : null, click: () => reveal(one) },
      thumbnail(one),
      element("span", { class: "hidden" }, one.source),
    ),
  );
  const whole = family.every((one) => one.spot && one.size);
  const box = element("div", { class: whole ? "joined" : "relatives" }, ...buttons);
  if (whole) layOut(box, buttons, family);
  const kind = texture.group ? "pieces" : texture.mirror && !texture.variant ? "images" : "variants";
  return section(say(`family_${kind}`, { n: family.length }), box);
}

/** Put the pieces of a split picture where they belong. */
function layOut(box, buttons, family) {
  const [width, height] = family[0].spot.picture;
  box.style.aspectRatio = `${width} / ${height}`;
  family.forEach((piece, at) => Object.assign(buttons[at].style, placeOf(piece)));
}

function duplicates(texture) {
  if (!texture.duplicates) return null;
  const names = texture.duplicates.map((name) => element("li", { class: "path" }, ...breakable(name)));
  return section(say("samePixels", { n: names.length }), element("ul", { class: "names" }, ...names));
}

function files(texture) {
  if (!texture.outputs) return null;
  const lines = texture.outputs.map((one) =>
    element("li", {}, element("span", { class: "who" }, one.target), " ", element("span", { class: "path" }, ...breakable(one.path))),
  );
  return section(say("files"), element("ul", { class: "names" }, ...lines));
}

function identity(texture) {
  if (!texture.id) return null;
  const fields = Object.entries(texture.id).filter(([, value]) => value !== null);
  return section(say("nameSays"), element("dl", { class: "id" }, ...fields.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, String(value))))));
}

function section(title, ...content) {
  return element("section", {}, element("h3", {}, title), ...content);
}
