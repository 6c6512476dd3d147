// The list of textures: only the rows in view are in the document, however many there are.
"use strict";

const ROW_HEIGHT = 60; // as in report.css
const ROWS_BEYOND = 6; // above and below what is in view

class TextureList {
  constructor(box, choose) {
    this.box = box;
    this.choose = choose;
    this.rows = [];
    this.current = -1;
    this.drawn = new Map(); // position -> element
    this.space = box.appendChild(element("div", { class: "space", role: "presentation" }));
    box.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(box);
    this.space.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) this.choose(Number(row.dataset.position), event);
    });
  }

  /** Show other rows, beginning at the top. */
  fill(rows, measure) {
    this.rows = rows;
    this.measure = measure;
    this.current = -1;
    this.space.style.height = `${rows.length * ROW_HEIGHT}px`;
    this.drawn.forEach((row) => row.remove());
    this.drawn.clear();
    this.box.scrollTop = 0;
    this.draw();
  }

  /** Mark a row as the current one and bring it into view. */
  mark(position) {
    this.drawn.get(this.current)?.setAttribute("aria-selected", "false");
    this.current = position;
    const top = position * ROW_HEIGHT;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + ROW_HEIGHT > scrollTop + clientHeight) this.box.scrollTop = top + ROW_HEIGHT - clientHeight;
    this.draw();
    this.drawn.get(position)?.setAttribute("aria-selected", "true");
    if (position < 0) this.box.removeAttribute("aria-activedescendant");
    else this.box.setAttribute("aria-activedescendant", `row-${position}`);
  }

  draw() {
    const { scrollTop, clientHeight } = this.box;
    const from = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT) - ROWS_BEYOND);
    const to = Math.min(this.rows.length, Math.ceil((scrollTop + clientHeight) / ROW_HEIGHT) + ROWS_BEYOND);
    for (const [position, row] of this.drawn) {
      if (position < from || position >= to) {
        row.remove();
        this.drawn.delete(position);
      }
    }
    for (let position = from; position < to; position += 1) {
      if (!this.drawn.has(position)) {
        const row = this.row(position);
        this.drawn.set(position, row);
        this.space.append(row);
      }
    }
  }

  row(position) {
    const { texture, count } = this.rows[position];
    const extra = count - 1 + (texture.duplicates?.length ?? 0);
    const made = element(
      "div",
      {
        id: `row-${position}`,
        class: "row",
        role: "option",
        "aria-selected": String(position === this.current),
        "aria-setsize": this.rows.length,
        "aria-posinset": position + 1,
        "data-position": position,
        title: texture.source,
      },
      thumbnail(texture),
      element("span", { class: "name" }, shortName(texture)),
      element("span", { class: "kind" }, kindOf(texture)),
      extra ? element("span", { class: "more", title: moreOf(texture, count) }, `+${extra}`) : null,
      badge(texture, this.measure),
    );
    made.style.top = `${position * ROW_HEIGHT}px`;
    return made;
  }
}

function thumbnail(texture) {
  const file = texture.after.file ?? texture.before.file;
  const box = element("span", { class: "thumb", "aria-hidden": "true" });
  if (file) box.append(element("img", { src: picture(file), alt: "", loading: "lazy", decoding: "async" }));
  return box;
}

function kindOf(texture) {
  const parts = [texture.size ? pixels(texture.size) : null, texture.alpha];
  if (texture.edges) parts.push([...new Set([texture.edges.x, texture.edges.y])].join("/"));
  return parts.filter(Boolean).join(" · ");
}

function moreOf(texture, count) {
  const duplicates = texture.duplicates?.length ?? 0;
  const parts = [];
  if (count > 1) parts.push(say("relativesMore", { n: count - 1 }));
  if (duplicates) parts.push(say("samePixels", { n: duplicates }));
  return parts.join(", ");
}

/** The measure that the list is sorted by, or what went wrong. */
function badge(texture, measure) {
  if (texture.status === "failed") return element("span", { class: "badge level-2" }, say("failed"));
  if (texture.status === "skipped") return element("span", { class: "badge" }, say("skipped"));
  const shown = measure ?? worstMeasure(texture);
  const value = texture[shown];
  if (value === null || value === undefined) return null;
  const text = `${MEASURES[shown].short} ${MEASURES[shown].text(value)}`;
  const level = severity(shown, texture);
  // Colour alone says nothing to those who do not see it.
  const said = element("span", { class: "hidden" }, ["", say("look"), say("lookFirst")][level]);
  return element("span", { class: `badge level-${level}` }, text, said);
}

function worstMeasure(texture) {
  const names = Object.keys(MEASURES).filter((name) => texture[name] !== null);
  const level = (name) => severity(name, texture);
  return names.sort((a, b) => level(b) - level(a) || excess(b, texture) - excess(a, texture))[0];
}
