// The server's columns as textures of the list, and the filters that fit them.
"use strict";

/** The address of a texture's picture in the server's words. */
const addressOf = (name, what, size) =>
  `/api/picture?what=${what}&name=${encodeURIComponent(name)}${size ? `&size=${size}` : ""}`;

const spotOf = (at) => at && { column: at[0], row: at[1], x: at[2], y: at[3], picture: [at[4], at[5]] };
const UNMEASURED = Object.freeze({ colour_drift: null });
const NOT_MADE = Object.freeze({});

/** What the pixels and the name of some textures tell: one row of the server's table. */
class Traits {
  constructor({ width, height, format, kind, palette }, at) {
    this.size = width[at] ? [width[at], height[at]] : null;
    this.format = format[at];
    this.kind = kind[at];
    this.palette = palette[at];
    this.words = inSmallLetters([this.kind ? `kind:${this.kind}` : "", this.format, this.size?.join("x")]);
  }
}

/** How some textures are treated, and by which rule. */
class Decided {
  constructor(table, at) {
    const { sure_x: x, sure_y: y } = table;
    this.rule = table.rule[at];
    this.byHand = table.by_hand[at];
    this.alpha = table.alpha[at];
    this.action = table.action[at];
    this.edges = { x: table.x[at], y: table.y[at] };
    this.repeats = x[at] === null && y[at] === null ? null : { x: x[at], y: y[at] };
    const isUndecided = (axis, likely) => likely !== null && this.edges[axis] === "clamp";
    this.undecided = { x: isUndecided("x", x[at]), y: isUndecided("y", y[at]) };
    this.sure = table.sure[at];
    this.model = table.model[at];
    this.detail = table.detail[at];
    this.colour = table.colour[at];
    this.outline = table.outline[at];
  }

  get by() {
    return this.byHand ? { kind: "hand" } : { kind: "model", model: this.model || studio.model };
  }

  get words() {
    this.found ??= inSmallLetters([this.alpha, this.action, makerOf(this), ...edgesOf(this), ...FILTERS.rule.values(this)]);
    return this.found;
  }

  /** Let new rules stand before the one that decides. */
  moveRule(added) {
    this.rule += added;
    this.found = undefined;
  }
}

/** What the last run made of some textures, and what people said of them. */
class Past {
  constructor({ status, drift, review, note, group, spot }, at) {
    this.status = status[at];
    this.metrics = drift[at] === null ? UNMEASURED : { colour_drift: drift[at] };
    this.review = review[at];
    this.note = note[at];
    this.group = group[at];
    this.spot = spotOf(spot[at]);
  }

  get words() {
    return inSmallLetters([this.status, statusName(this.status), this.group, this.note]);
  }
}

/** A texture with the facts that the list and the stage of the report know. Many textures share each of its parts. */
class Row {
  constructor(source, traits, decided, past) {
    this.source = source;
    this.traits = traits;
    this.decided = decided;
    this.past = past;
    this.number = 0;
    this.seam = this.addedSeam = this.colour = this.alphaDrift = this.mayRepeat = null;
    this.alarm = 0;
    this.excess = 0;
    this.after = NOT_MADE;
    this.other = undefined;
    this.searched = undefined;
  }

  /** Take over what is known of the texture now. */
  take({ traits, decided, past }) {
    Object.assign(this, { traits, decided, past, after: NOT_MADE, other: undefined, searched: undefined });
  }

  /** Take over what somebody said of it: a mark or a note. */
  remark(said) {
    this.past = Object.assign(Object.create(Past.prototype), this.past, said);
    this.searched = undefined;
  }

  get size() { return this.traits.size; }
  get format() { return this.traits.format; }
  get kind() { return this.traits.kind; }
  get palette() { return this.traits.palette; }
  get rule() { return this.decided.rule; }
  get byHand() { return this.decided.byHand; }
  get alpha() { return this.decided.alpha; }
  get action() { return this.decided.action; }
  get edges() { return this.decided.edges; }
  get repeats() { return this.decided.repeats; }
  get undecided() { return this.decided.undecided; }
  get sure() { return this.decided.sure; }
  get model() { return this.decided.model; }
  get detail() { return this.decided.detail; }
  get colour_mode() { return this.decided.colour; }
  get outline() { return this.decided.outline; }
  get status() { return this.past.status; }
  get metrics() { return this.past.metrics; }
  get review() { return this.past.review; }
  get note() { return this.past.note; }
  get group() { return this.past.group; }
  get spot() { return this.past.spot; }
  get by() { return this.decided.by; }

  /** What the search looks at beside the name. */
  get words() {
    return `${this.traits.words}\n${this.decided.words}\n${this.past.words}`;
  }

  get family() {
    return this.group && `group ${this.group}`;
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

/** All rows of the server's tables. */
function rowsOf({ name, traits, decided, past }) {
  const looks = traits.width.map((_, at) => new Traits(traits, at));
  const plans = decided.rule.map((_, at) => new Decided(decided, at));
  const pasts = past.status.map((_, at) => new Past(past, at));
  return name.map((source, at) => new Row(source, looks[traits.of[at]], plans[decided.of[at]], pasts[past.of[at]]));
}

/** The parts of a row that a filter looks at. */
const PARTS_OF = { kind: ["traits"], size: ["traits"], format: ["traits"], state: ["decided", "past"], review: ["past"] };

/** One texture for all that share the parts which a filter looks at, with their number: even a large dump has few. */
alikeIn = (filter) => {
  const [first, second] = PARTS_OF[filter] ?? ["decided"];
  const sets = new Map(); // one part -> the other -> [texture, number]
  for (const texture of TEXTURES) {
    const others = sets.get(texture[first]) ?? sets.set(texture[first], new Map()).get(texture[first]);
    const set = others.get(texture[second]);
    if (set) set[1] += 1;
    else others.set(texture[second], [texture, 1]);
  }
  return [...sets.values()].flatMap((others) => [...others.values()]);
};

/** Bring rows up to date that are there already; new rules stand first, which moves the numbers of all others. */
function patchRows(columns, rulesAdded) {
  const fresh = new Map(rowsOf(columns).map((one) => [one.source, one]));
  const moved = new Set();
  for (const texture of TEXTURES) {
    const now = fresh.get(texture.source);
    if (now) texture.take(now);
    else if (texture.rule && rulesAdded) {
      moved.add(texture.decided);
      texture.searched = undefined;
    }
  }
  for (const decided of moved) decided.moveRule(rulesAdded);
}

const MOST_OF_THE_WORST = 50;

/** The queues: which textures are to be looked at, and why; the first has all of them. */
const QUEUES = {
  "": () => true,
  undecided: ({ repeats }) => repeats !== null,
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
  const known = scopes.map((scope) => SCOPE_VALUES[scope]).filter(Boolean).map((value) => [value, value(texture)]);
  return TEXTURES.reduce((count, one) => count + Number(known.every(([value, wanted]) => value(one) === wanted)), 0);
}

const ruleNames = []; // by number
const ruleName = (number) => (ruleNames[number] ??= say("why_rule", { n: number }));

/** The report's filters, without those that a recipe being written cannot have. */
function fitFilters() {
  for (const name of ["target", "input", "warning"]) delete FILTERS[name];
  FILTERS.rule.values = ({ rule }) => [rule ? ruleName(rule) : say("why_classify")];
  FILTERS.state.values = ({ status, repeats }) => [statusName(status), ...(repeats ? [say("v_mayRepeat")] : [])];
  FILTERS.sure.values = ({ sure }) => [surenessIn(sure)];
  FILTERS.action = { label: say("l_action"), values: ({ action }) => [action ?? say("v_unknown")] };
  FILTERS.review = { label: say("l_review"), values: ({ review, note }) => [review ? say(review) : say("v_none"), ...(note ? [say("v_note")] : [])] };
  for (const name of ["seam", "alpha", "worst"]) delete ORDERS[name];
  const unsure = ({ repeats }) => (repeats ? Math.max(repeats.x ?? 0, repeats.y ?? 0) : -1);
  const share = ({ source }) => studio.onScreen.get(source) ?? 0;
  ORDERS.screen = { label: say("o_screen"), compare: (a, b) => share(b) - share(a) || byName(a, b) };
  ORDERS.mayRepeat.compare = (a, b) => unsure(b) - unsure(a) || byName(a, b);
}
