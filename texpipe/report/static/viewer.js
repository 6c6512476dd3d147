// The viewer: switches, stage and steps, the same in every page; and the filter that the stage shows alpha with.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function drawing(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Show alpha as grey: red, green and blue are alpha, and all is opaque. */
const alphaFilter = () => drawing("svg", { class: "filters", "aria-hidden": "true", width: 0, height: 0 },
  drawing("filter", { id: "alpha-as-grey", "color-interpolation-filters": "sRGB" },
    drawing("feColorMatrix", { type: "matrix", values: "0 0 0 1 0  0 0 0 1 0  0 0 0 1 0  0 0 0 0 1" })));

function fillViewer(box) {
  const button = (id, label, ...children) => element("button", { type: "button", id, "aria-label": label }, ...children);
  const group = (name) => element("fieldset", { class: name === "backdrop" ? "switch backdrops" : "switch", id: name },
    element("legend", {}, say(name)));
  const arrow = (sign) => element("span", { "aria-hidden": "true" }, sign);
  box.replaceChildren(
    element("div", { class: "tools", role: "group", "aria-label": say("tools") },
      ...["layout", "tiling", "extent", "channel", "backdrop"].map(group),
      element("div", { class: "switch zoom", role: "group", "aria-label": say("zoom") },
        button("zoom-out", say("zoomOut"), "−"),
        button("zoom-fit", say("zoomFit"), element("output", { id: "zoom-shown" }, say("fit"))),
        button("zoom-in", say("zoomIn"), "+"))),
    element("div", { class: "stage", id: "stage", tabindex: "-1" }),
    element("nav", { class: "steps", "aria-label": say("steps") },
      button("previous", null, arrow("←"), " ", say("previous")),
      element("p", {}, element("span", { id: "place", role: "status", "aria-live": "polite" }), " ",
        element("small", { id: "previewed" })),
      button("next", null, say("next"), " ", arrow("→"))),
  );
  byId("extent").hidden = true;
  document.body.prepend(alphaFilter());
}

const zoomText = (zoom, fitted) => `${fitted ? `${say("fit")} · ` : ""}${Math.round(zoom * 100)} %`;

translate();
fillViewer(byId("viewer"));
