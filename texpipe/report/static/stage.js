// The stage: a source and its result as two planes in one place, one cut by the slider, or side by side.
"use strict";

const ZOOMS = [0.125, 0.25, 0.5, 0.75, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const FIT_STEPS = [[1, 1 / 16], [4, 1 / 4]]; // below the first a fitted zoom is a multiple of the second
const ROOM = 40; // pixels kept free around a fitted picture

class Stage {
  constructor(box, zoomed) {
    this.box = box;
    this.zoomed = zoomed;
    this.texture = null;
    this.view = { layout: "slider", tiling: "one", extent: "whole", channel: "all", backdrop: "checker" };
    this.zoom = null; // null fits the window
    this.share = 50; // percent of the width that show the source
    this.held = false;
    new ResizeObserver(() => this.zoom === null && this.size()).observe(box);
    box.addEventListener("pointerdown", (event) => this.grab(event));
    box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  show(texture) {
    this.texture = texture;
    this.pieces = piecesOf(texture);
    this.draw();
  }

  /** The pieces to show: all of a split picture, or the texture alone. */
  get parts() {
    return (this.view.extent === "whole" && this.pieces) || [this.texture];
  }

  set(name, value) {
    this.view[name] = value;
    if (name === "backdrop") this.box.dataset.backdrop = value;
    else this.draw();
  }

  draw() {
    const { texture } = this;
    if (!texture) {
      this.box.replaceChildren();
      return;
    }
    for (const [name, value] of Object.entries(this.view)) this.box.dataset[name] = value;
    const shown = this.view.layout === "slider" ? ["before", "after"] : ["before", "after", "other"];
    this.sheets = shown.map((which) => this.plane(which)).filter(Boolean);
    this.canSlide = this.sheets.length === 2 && this.view.layout === "slider";
    this.box.dataset.alone = String(this.sheets.length < 2);
    const handle = this.canSlide ? this.handle() : null;
    const focused = document.activeElement?.id === "slider";
    this.box.replaceChildren(
      ...(this.sheets.length
        ? [element("div", { class: "planes" }, ...this.sheets.map(framed), handle)]
        : []),
      ...notes(texture),
    );
    this.size();
    this.slide(this.share);
    if (focused) (handle ?? this.box).focus({ preventScroll: true });
  }

  /** One plane of 1 or 9 copies, laid as the console lays them, or null without a picture. */
  plane(which) {
    if (!this.parts.some((one) => one[which]?.file)) return null;
    const label = described(this.texture, which, this.parts.length);
    const plane = element("div", { class: `plane ${which}`, role: "img", "aria-label": label });
    const steps = this.view.tiling === "nine" ? [-1, 0, 1] : [0];
    for (const y of steps) for (const x of steps) plane.append(this.tile(which, x, y));
    return plane;
  }

  /** One copy, flipped where an axis mirrors; that of a split picture has all its pieces. */
  tile(which, x, y) {
    const edges = (!this.texture.group && this.texture.edges) || { x: "clamp", y: "clamp" };
    const images = this.parts.map((one) => this.image(one, which));
    const made = this.parts.length > 1 ? element("div", { class: "pieces" }, ...images.filter(Boolean)) : images[0];
    lay(made, x, y, edges);
    return made;
  }

  image(texture, which) {
    const shown = texture[which];
    const file = (this.view.channel === "colour" && shown?.colour) || shown?.file;
    if (!file) return null;
    const gone = (event) => {
      event.target.closest(".plane").classList.add("gone");
      event.target.closest(".plane").dataset.note = say("gone", { file: picture(file) });
    };
    const image = element("img", { src: picture(file), alt: "", draggable: "false", error: gone });
    if (this.parts.length > 1) Object.assign(image.style, placeOf(texture));
    return image;
  }

  handle() {
    return element(
      "div",
      {
        id: "slider",
        class: "slider",
        role: "slider",
        tabindex: "0",
        "aria-label": say("sliderName"),
        "aria-valuemin": "0",
        "aria-valuemax": "100",
      },
      element("span", { class: "knob", "aria-hidden": "true" }, "⟷"),
    );
  }

  /** Give tiles and planes their sizes: whole pixels, so that no gap opens between tiles. */
  size() {
    if (!this.texture || !this.sheets?.length) return;
    const [width, height] = this.resultSize();
    const zoom = this.zoom ?? this.fitting(width, height);
    this.box.style.setProperty("--tile-width", `${Math.max(1, Math.round(width * zoom))}px`);
    this.box.style.setProperty("--tile-height", `${Math.max(1, Math.round(height * zoom))}px`);
    // Between whole zooms repeated pixels would be of uneven sizes.
    this.box.dataset.enlarged = String(zoom >= 1 && Number.isInteger(zoom));
    const { clientWidth, clientHeight } = this.box.querySelector(".plane");
    this.box.dataset.narrow = String(clientWidth < 120);
    this.box.dataset.flat = String(clientHeight < 48);
    this.snap();
    this.zoomed(zoom, this.zoom === null);
  }

  /** Centring may end between pixels, which would blur what has sharp edges. */
  snap() {
    const planes = this.box.querySelector(".planes");
    planes.style.left = planes.style.top = "0";
    const { left, top } = planes.getBoundingClientRect();
    planes.style.left = `${Math.round(left) - left}px`;
    planes.style.top = `${Math.round(top) - top}px`;
  }

  resultSize() {
    const { outputs, size, spot } = this.texture;
    if (this.parts.length > 1) return spot.picture.map((side) => side * ((outputs?.[0]?.size[0] ?? size[0]) / size[0]));
    return outputs?.[0]?.size ?? size ?? [64, 64];
  }

  /** The largest zoom that fits; planes lie beside or below each other, whichever leaves more for them. */
  fitting(width, height) {
    const tiles = this.view.tiling === "nine" ? 3 : 1;
    const count = this.view.layout === "beside" ? this.sheets.length : 1;
    const room = (across, down) => Math.min(
      (this.box.clientWidth - ROOM * (across + 1)) / (width * tiles * across),
      (this.box.clientHeight - ROOM * (down + 1)) / (height * tiles * down),
    );
    const [beside, below] = count > 1 ? [room(count, 1), room(1, count)] : [room(1, 1), 0];
    this.box.dataset.below = String(below > beside);
    const largest = Math.max(beside, below);
    const [, step] = FIT_STEPS.find(([below]) => largest < below) ?? [];
    if (step) return Math.max(ZOOMS[0], Math.floor(largest / step) * step);
    return ZOOMS.filter((zoom) => zoom <= largest).at(-1);
  }

  zoomBy(steps) {
    const now = this.zoom ?? this.fitting(...this.resultSize());
    const next = steps > 0 ? ZOOMS.find((zoom) => zoom > now) : ZOOMS.findLast((zoom) => zoom < now);
    this.zoom = next ?? now;
    this.size();
  }

  fit() {
    this.zoom = null;
    this.size();
  }

  wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoomBy(event.deltaY < 0 ? 1 : -1);
  }

  /** Show the source left of `share` percent of the width. */
  slide(share) {
    this.share = Math.min(100, Math.max(0, share));
    const shown = this.held ? 100 : this.share;
    this.box.style.setProperty("--share", this.canSlide ? `${shown}%` : "50%");
    const slider = byId("slider");
    slider?.setAttribute("aria-valuenow", String(Math.round(shown)));
    slider?.setAttribute("aria-valuetext", say("sliderValue", { n: Math.round(shown) }));
  }

  /** While held the source alone is shown. */
  hold(held) {
    this.held = held;
    this.slide(this.share);
  }

  grab(event) {
    if (!this.canSlide || event.button !== 0 || !event.target.closest(".planes")) return;
    const planes = this.box.querySelector(".planes");
    const move = ({ clientX }) => {
      const { left, width } = planes.getBoundingClientRect();
      this.slide(((clientX - left) / width) * 100);
    };
    event.preventDefault();
    byId("slider").focus({ preventScroll: true });
    planes.setPointerCapture(event.pointerId);
    planes.addEventListener("pointermove", move);
    planes.addEventListener("lostpointercapture", () => planes.removeEventListener("pointermove", move), { once: true });
    move(event);
  }
}

/** Lay one of 3 x 3 copies as the console does, by its place from -1 to 1. */
function lay(copy, x, y, edges) {
  const flip = (step, mode) => (step !== 0 && mode === "mirror" ? -1 : 1);
  copy.style.transform = `scale(${flip(x, edges.x)}, ${flip(y, edges.y)})`;
  // A clamped axis is not repeated by the game: its neighbours are shown faintly.
  if ((x !== 0 && edges.x === "clamp") || (y !== 0 && edges.y === "clamp")) copy.classList.add("faint");
}

const PLANES = { before: say("source"), after: say("result"), other: say("other") };

function framed(plane) {
  return element("figure", {}, plane, element("figcaption", {}, PLANES[plane.classList[1]]));
}

/** Where a piece lies in its split picture, as styles. */
function placeOf({ spot, size }) {
  const [width, height] = spot.picture;
  const percent = (share) => `${share * 100}%`;
  return {
    left: percent(spot.x / width),
    top: percent(spot.y / height),
    width: percent(size[0] / width),
    height: percent(size[1] / height),
  };
}

function described(texture, which, pieces) {
  const name = PLANES[which];
  if (pieces > 1) return say("ofPieces", { which: name, name: texture.group ?? texture.source, n: pieces });
  const size = which === "before" ? texture.size : texture.outputs?.[0]?.size;
  return say("described", { which: name, name: texture.source }) + (size ? `, ${pixels(size)}` : "");
}

function notes(texture) {
  const gone = [
    [say("noSource"), texture.before.missing],
    [say("noResult"), texture.after.missing],
  ];
  return gone
    .filter(([, why]) => why)
    .map(([what, why]) => element("p", { class: "note", role: "note" }, element("b", {}, `${what}: `), why));
}
