// The only way in which this page makes elements: text is text, so that no file name is ever read as HTML.
"use strict";

const byId = (id) => document.getElementById(id);

/** Make an element; `attributes` that are null are left out, functions become listeners. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Fill a fieldset with radio buttons that look like one switch; `changed` gets the chosen value. */
function fillSwitch(fieldset, options, chosen, changed) {
  for (const [value, label, hint] of options) {
    const input = element("input", {
      type: "radio",
      name: fieldset.id,
      value,
      change: () => changed(value),
    });
    input.checked = value === chosen;
    fieldset.append(element("label", { title: hint, "data-value": value }, input, element("span", {}, label)));
  }
}

/** Check the radio button after the checked one and tell its listeners. */
function stepSwitch(fieldset) {
  const inputs = [...fieldset.querySelectorAll("input")];
  const next = inputs[(inputs.findIndex((input) => input.checked) + 1) % inputs.length];
  next.checked = true;
  next.dispatchEvent(new Event("change"));
}
