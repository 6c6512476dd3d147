// The server's columns as textures of the list, and the filters that fit them.
"use strict";

/** The address of a texture's picture in the server's words. */
const addressOf = (name, what, size) =>
  `/api/picture?what=${what}&name=${encodeURIComponent(name)}${size ? `&size=${size}` : ""}`;

/** One object for all textures that have the same values: a large dump has few different ones. */
const shared = new Map();
function sharedPair(x, y) {
  const key = `${x} ${y}`;
  if (!shared.has(key)) shared.set(key, Object.freeze({ x, y }));
  return shared.get(key);
}
const spotOf = (at) => at && { column: at[0], row: at[1], x: at[2], y: at[3], picture: [at[4], at[5]] };
const UNMEASURED = Object.freeze({ colour_drift: null });
const NOT_MADE = Object.freeze({});

/** One texture of the columns, with the facts that the list and the stage of the report know. */
class Row {
  constructor(columns, at) {
    const { name, width, height, sure_x: sureX, sure_y: sureY } = columns;
    this.source = name[at];
    this.size = width[at] ? [width[at], height[at]] : null;
    this.format = columns.format[at];
    this.alpha = columns.alpha[at];
    this.action = columns.action[at];
    this.edges = sharedPair(columns.x[at], columns.y[at]);
    this.repeats = sharedPair(sureX[at], sureY[at]);
    this.sure = columns.sure[at];
    this.model = columns.model[at];
    this.detail = columns.detail[at];
    this.colour_mode = columns.colour[at];
    this.outline = columns.outline[at];
    this.rule = columns.rule[at];
    this.kind = columns.kind?.[at] ?? null;
    this.palette = columns.palette[at];
    this.group = columns.group[at];
    this.family = this.group && `group ${this.group}`;
    this.spot = spotOf(columns.spot[at]);
    this.status = columns.status[at];
    this.byHand = columns.by_hand[at];
    this.metrics = columns.drift[at] === null ? UNMEASURED : { colour_drift: columns.drift[at] };
    this.review = columns.review[at];
    this.note = columns.note[at];
    this.after = NOT_MADE;
  }

  get undecided() {
    const { x, y } = this.repeats;
    return x === null && y === null ? null : { x: x !== null, y: y !== null };
  }

  get by() {
    return this.byHand ? { kind: "hand" } : { kind: "model", model: this.model || studio.model };
  }

  get folder() {
    return this.source.slice(0, this.source.lastIndexOf("/") + 1);
  }

  get before() {
    return { file: addressOf(this.source, "source") };
  }

  get outputs() {
    return this.size && [{ target: "", path: "", size: this.size.map((side) => side * studio.scale) }];
  }
}

/** All rows of columns. */
const rowsOf = (columns) => columns.name.map((_, at) => new Row(columns, at));

/** Bring rows up to date that are there already; new rules stand first, which moves the numbers of all others. */
function patchRows(columns, rulesAdded) {
  const fresh = new Map(rowsOf(columns).map((one) => [one.source, one]));
  for (const texture of TEXTURES) {
    const now = fresh.get(texture.source);
    if (now) Object.assign(texture, now, { after: NOT_MADE, other: undefined, searched: undefined });
    else if (texture.rule && rulesAdded) Object.assign(texture, { rule: texture.rule + rulesAdded, searched: undefined });
  }
}

const MOST_OF_THE_WORST = 50;

/** The queues: which textures are to be looked at, and why; the first has all of them. */
const QUEUES = {
  "": () => true,
  undecided: ({ undecided }) => undecided !== null,
  worst: (one) => one.colour > 0 && RANKS.colour.get(one) <= MOST_OF_THE_WORST,
  by_hand: ({ byHand, status }) => byHand || status === "edited",
  new: ({ status }) => status === "new",
  letters: ({ kind }) => kind === "letters" || kind === "hud",
  unseen: ({ review }) => !review,
  screen: ({ source }) => studio.onScreen.has(source),
};

const SCOPE_VALUES = {
  name: (one) => one.source,
  size: ({ size }) => String(size),
  format: ({ format }) => format,
  alpha: ({ alpha }) => alpha,
  folder: ({ folder }) => folder,
  kind: ({ kind }) => kind,
  palette: ({ palette }) => palette,
  group: ({ group }) => group,
};

/** How many textures are like one in every scope. */
function countLike(texture, scopes) {
  const known = scopes.map((scope) => SCOPE_VALUES[scope]).filter(Boolean);
  return TEXTURES.filter((one) => known.every((value) => value(one) === value(texture))).length;
}

/** The report's filters, without those that a recipe being written cannot have. */
function fitFilters() {
  for (const name of ["target", "input", "warning"]) delete FILTERS[name];
  FILTERS.rule.values = ({ rule }) => [rule ? `rule ${rule}` : "classify"];
  FILTERS.state.values = ({ status, undecided }) => [status ?? "new", ...(undecided ? [say("v_mayRepeat")] : [])];
  FILTERS.sure.values = ({ sure }) => [surenessIn(sure)];
    FILTERS.action = { label: say("l_action"), values: ({ action }) => [action ?? say("v_unknown")] };
  FILTERS.review = { label: say("l_review"), values: ({ review, note }) => [review ? say(review) : say("v_none"), ...(note ? [say("v_note")] : [])] };
  for (const name of ["seam", "alpha", "worst"]) delete ORDERS[name];
  const unsure = ({ undecided, repeats }) => (undecided ? Math.max(repeats.x ?? 0, repeats.y ?? 0) : -1);
  const share = ({ source }) => studio.onScreen.get(source) ?? 0;
  ORDERS.screen = { label: say("o_screen"), compare: (a, b) => share(b) - share(a) || byName(a, b) };
  ORDERS.mayRepeat.compare = (a, b) => unsure(b) - unsure(a) || byName(a, b);
}
