// The server's columns as textures of the list, and the filters that fit them.
"use strict";

const NAME = (folder) => folder.slice(0, folder.lastIndexOf("/") + 1);

/** The address of a texture's picture in the server's words. */
const addressOf = (name, what, size) =>
  `/api/picture?what=${what}&name=${encodeURIComponent(name)}${size ? `&size=${size}` : ""}`;

/** One texture of the columns, with the facts that the list and the stage of the report know. */
function rowOf(columns, at) {
  const get = (column) => columns[column]?.[at] ?? null;
  const undecided = { x: get("sure_x") !== null, y: get("sure_y") !== null };
  const name = get("name");
  return {
    source: name,
    size: get("width") ? [get("width"), get("height")] : null,
    format: get("format"),
    alpha: get("alpha"),
    action: get("action"),
    edges: { x: get("x"), y: get("y") },
    undecided: undecided.x || undecided.y ? undecided : null,
    repeats: { x: get("sure_x"), y: get("sure_y") },
    model: get("model") ?? "",
    detail: get("detail"),
    colour_mode: get("colour"),
    outline: get("outline"),
    rule: get("rule") ?? 0,
    kind: get("kind"),
    status: get("status"),
    by: get("by_hand") ? { kind: "hand" } : { kind: "model", model: get("model") || studio.model },
    metrics: { colour_drift: get("drift") },
    review: get("review") ?? "",
    note: get("note") ?? "",
    folder: NAME(name),
    before: { file: addressOf(name, "source") },
    after: {},
    outputs: get("width") ? [{ target: "", path: "", size: [get("width") * studio.scale, get("height") * studio.scale] }] : null,
  };
}

/** All rows of columns. */
const rowsOf = (columns) => columns.name.map((_, at) => rowOf(columns, at));

/** Bring rows up to date that are there already; the list then shows them anew. */
function patchRows(columns) {
  const byName = new Map(TEXTURES.map((one) => [one.source, one]));
  for (const fresh of rowsOf(columns)) {
    const there = byName.get(fresh.source);
    if (there) Object.assign(there, fresh, { after: {}, searched: undefined });
  }
}

const SCOPE_VALUES = {
  name: (one) => one.source,
  size: ({ size }) => String(size),
  format: ({ format }) => format,
  alpha: ({ alpha }) => alpha,
  folder: ({ folder }) => folder,
  kind: ({ kind }) => kind,
};

/** How many textures are like one in every scope. */
function countLike(texture, scopes) {
  const known = scopes.map((scope) => SCOPE_VALUES[scope]).filter(Boolean);
  return TEXTURES.filter((one) => known.every((value) => value(one) === value(texture))).length;
}

/** The report's filters, without those that a recipe being written cannot have. */
function fitFilters() {
  for (const name of ["target", "input", "sure", "warning"]) delete FILTERS[name];
  FILTERS.rule.values = ({ rule }) => [rule ? `rule ${rule}` : "classify"];
  FILTERS.state.values = ({ status, undecided }) => [status ?? "new", ...(undecided ? ["may repeat, not certain"] : [])];
  FILTERS.kind = { label: "Kind", values: ({ kind }) => [kind ?? "unknown"] };
  FILTERS.action = { label: "Action", values: ({ action }) => [action ?? "unknown"] };
  FILTERS.review = { label: "Review", values: ({ review, note }) => [review || "none", ...(note ? ["with a note"] : [])] };
  for (const name of ["seam", "alpha", "worst"]) delete ORDERS[name];
  const unsure = ({ undecided, repeats }) => (undecided ? Math.max(repeats.x ?? 0, repeats.y ?? 0) : -1);
  ORDERS.mayRepeat.compare = (a, b) => unsure(b) - unsure(a) || byName(a, b);
}
