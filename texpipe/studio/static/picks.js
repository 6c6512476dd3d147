// The list of the studio: the report's, with several rows chosen, small pictures of the sources and marks of the review.
"use strict";

const MARKS = { approve: "✓", reject: "✗", flag: "⚑" };

class PickList extends TextureList {
  constructor(box, choose) {
    super(box, (position, event) => this.pick(position, event, choose));
    this.picked = new Set(); // textures
    this.anchor = 0;
  }

  /** A click chooses one row, with Ctrl adds or removes it, with Shift chooses all between, with both adds these. */
  pick(position, event, choose) {
    const { texture } = this.rows[position];
    if (event?.shiftKey) {
      if (!event.ctrlKey && !event.metaKey) this.picked.clear();
      this.pickBetween(this.anchor, position);
    } else if (event?.ctrlKey || event?.metaKey) {
      if (!this.picked.delete(texture)) this.picked.add(texture);
      this.anchor = position;
    } else {
      this.picked = new Set([texture]);
      this.anchor = position;
    }
    choose(position, event);
    this.redraw();
  }

  pickBetween(one, other) {
    const [from, to] = [Math.min(one, other), Math.max(one, other)];
    this.rows.slice(from, to + 1).forEach(({ texture }) => this.picked.add(texture));
  }

  pickAll() {
    this.picked = new Set(this.rows.map(({ texture }) => texture));
    this.redraw();
  }

  /** Show more rows, and stay where the list is. */
  grow(rows, current) {
    this.rows = rows;
    this.current = current;
    this.space.style.height = `${rows.length * ROW_HEIGHT}px`;
    this.redraw();
  }

  /** Draw the rows in view anew, where they are. */
  redraw() {
    this.drawn.forEach((row) => row.remove());
    this.drawn.clear();
    this.draw();
  }

  row(position) {
    const { texture } = this.rows[position];
    const picked = this.picked.has(texture) || position === this.current;
    const made = element(
      "div",
      {
        id: `row-${position}`,
        class: "row",
        role: "option",
        "aria-selected": String(picked),
        "aria-setsize": this.rows.length,
        "aria-posinset": position + 1,
        "data-position": position,
        "data-current": position === this.current ? "" : null,
        title: texture.source,
      },
      element("span", { class: "thumb", "aria-hidden": "true" },
        element("img", { src: addressOf(texture.source, "source", 46), alt: "", loading: "lazy", decoding: "async" })),
      element("span", { class: "name" }, shortName(texture)),
      element("span", { class: "kind" }, kindOf(texture)),
      this.badge(texture),
    );
    made.style.top = `${position * ROW_HEIGHT}px`;
    return made;
  }

  badge({ review, rule, status }) {
    const mark = MARKS[review];
    const text = [status === "failed" ? say("failed") : null, rule ? ruleName(rule) : null].filter(Boolean).join(" · ");
    const said = mark ? element("span", { class: `review ${review}` }, element("span", { "aria-hidden": "true" }, mark),
      element("span", { class: "hidden" }, say(review))) : null;
    return element("span", { class: `badge ${status === "failed" ? "level-2" : ""}` }, text, said ? " " : null, said);
  }
}
