// Why something was decided, and by whom, in the language of the page. Classify and the rules give their reasons in
// English: the sentences of the catalogue that begin with why_. What is none of them stays as it is.
"use strict";

const SENTENCES = Object.entries(TEXTS.en).filter(([key]) => key.startsWith("why_")).map(([key, text]) => ({ key, pattern: patternOf(text) }));

/** What a sentence of the catalogue looks like when it is filled in; its {names} are groups. */
function patternOf(sentence) {
  const parts = sentence.split(/\{(\w+)\}/);
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${parts.map((part, at) => (at % 2 ? `(?<${part}>.+?)` : escaped(part))).join("")}$`, "s");
}

/** A reason in the page's language; what fills a sentence in may be one itself. */
function reasonIn(reason) {
  if (LANGUAGE === "en") return reason;
  for (const { key, pattern } of SENTENCES) {
    const found = pattern.exec(reason);
    if (found) return say(key, Object.fromEntries(Object.entries(found.groups ?? {}).map(([name, value]) => [name, reasonIn(value)])));
  }
  return reason;
}

/** What became of a texture in the last run, in the page's language; null where that is not known. */
const statusName = (status) => status && say(`st_${status}`);
