// Every text of the pages, a catalogue for each language; English has all of them. The studio adds those that only it has.
"use strict";

const TEXTS = {
  en: {
    skip: "Skip to the picture", theme: "Switch between light and dark", textures: "Textures", find: "Find names, formats, edges, models, rules",
    findHint: "Find: name, ci8, clamp, rule 3 …", sort: "Sort", nothing: "No texture fits.", clear: "Clear the filters", fold: "Fold variants",
    foldHint: "Variants of one texture and pieces of one picture share a row", facts: "What was decided, and why", pack: "The pack",
    viewer: "Before and after", tools: "How to look at it", layout: "Layout", tiling: "Tiling", extent: "Split picture", channel: "Channels",
    backdrop: "Backdrop", zoom: "Zoom", zoomOut: "Zoom out", zoomIn: "Zoom in", zoomFit: "Fit to the window", fit: "Fit",
    steps: "Step through the list", previous: "Previous", next: "Next", keys: "Keys", close: "Close", shown: "{n} of {all} textures",
    place: "{n} of {all}", t_slider: "Slider", t_sliderHint: "One over the other", t_beside: "Beside", t_besideHint: "Side by side",
    t_oneHint: "The texture alone", t_nineHint: "As the game repeats it", t_whole: "Whole", t_wholeHint: "The split picture with all its pieces",
    t_piece: "Piece", t_pieceHint: "This piece alone", t_rgbaHint: "Colour and alpha", t_rgbHint: "Colour without alpha", t_aHint: "Alpha as grey",
    t_checker: "Checker", t_magenta: "Magenta", t_black: "Black", source: "Source", result: "Result", other: "Other setting",
    described: "{which} of {name}", ofPieces: "{which} of {name}, {n} pieces", sliderName: "Source on the left, result on the right",
    sliderValue: "{n} percent source", noSource: "The source cannot be shown", noResult: "There is no result",
    gone: "{file} is missing from the report", o_worst: "Worst in any measure", o_seam: "Worst seam", o_mayRepeat: "May repeat, not certain",
    o_colour: "Worst colour drift", o_alpha: "Worst alpha drift", o_name: "Name", o_large: "Largest first", o_small: "Smallest first",
    l_class: "Class", l_kind: "Kind", l_size: "Size", l_format: "Format", l_edges: "Edges", l_rule: "Decided by", l_sure: "Confidence",
    l_target: "Target", l_input: "Input", l_by: "Made by", l_warning: "Warning", l_state: "State", l_action: "Action", l_review: "Review",
    v_unknown: "unknown", v_notSure: "not sure", v_upTo: "up to {n}", v_larger: "larger", v_reading: "Reading the file", v_none: "None",
    v_mayRepeat: "may repeat, not certain", v_duplicates: "with duplicates", v_inputs: "differs between inputs", v_gone: "picture missing",
    v_certain: "certain", v_atLeast: "{n} % or more", v_between: "{from} to {to} %", v_below: "less than {n} %", nearest: "repeated texels",
    hand: "by hand", nobody: "nothing made", both: "wrap or clamp", m_seam: "Seam", m_seamShort: "seam", m_colour: "Colour drift",
    m_colourShort: "colour", m_alpha: "Alpha drift", m_alphaShort: "alpha", look: ", look at it", lookFirst: ", look at it first",
    failed: "failed", skipped: "skipped", relativesMore: "{n} more of its variants, images or pieces", samePixels: "{n} with the same pixels",
    measures: "Measures", rank: "{place} worst of {all} by {measure}", firstRank: "the worst of {all} by {measure}", decided: "Decided", did_written: "Write",
    did_copied: "Copy", did_skipped: "Skip", did_failed: "Fail", action: "Action", alpha: "Alpha", leftRight: "Left, right",
    topBottom: "Top, bottom", pieceLabel: "Piece", pieceAt: "column {column}, row {row}", pieceIn: "piece of {name}", structure: "Structure",
    structureOwn: "gives its own to its variants", structureOf: "of a variant", mirrorImage: "Mirror image",
    flip_none: "gives its own to its images", flip_x: "left and right swapped", flip_y: "top and bottom swapped", flip_both: "turned around",
    upscaledWas: "{why}; upscaled was {name}", input: "Input", insteadOf: "other pictures under this name, not used, in {names}",
    writtenAt: "Size", atScale: "{n} times", forBudget: "{target}: smaller to keep the budget, which costs {n} levels",
    madeBy: "Made by", detailAt: "detail {n}", family_pieces: "{n} pieces", family_images: "{n} mirror images", family_variants: "{n} variants",
    files: "Files", nameSays: "Name says", h_next: "next texture", h_previous: "previous texture", h_slider: "move the slider, with Shift faster",
    h_hold: "hold to see the source alone", h_layout: "slider or side by side", h_tiling: "one tile or 3 × 3",
    h_extent: "a split picture whole, or this piece of it", h_channel: "colour and alpha, colour, alpha", h_backdrop: "checker, magenta, black",
    h_zoom: "zoom; 0 fits the window",
    aboutSeam: "the step from one repeat of the texture to the next, over the mean step inside it. 1 is seamless.",
    aboutColour: "mean difference of the result, reduced to the source's size, from the source, in levels of 255.",
    aboutAlpha: "difference in the share of area that is at least half opaque, in percent.",
    aboutLevels: "Amber and red only say where to look first.",
    outdated: "This report is older than the pack: it was made from the pack of {date}. texpipe report makes it anew.",
    st_written: "written", st_copied: "copied", st_skipped: "skipped", st_failed: "failed", st_edited: "edited", st_foreign: "foreign",
    st_new: "new", duplicate: "duplicate", duplicates: "duplicates", key_space: "Space",
    // What texpipe itself says, word for word: reasons.js finds these sentences, and says them in the page's language.
    why_classify: "classify", why_rule: "rule {n}", why_hand: "by hand", why_byName: "the name says {format} and R = G = B = A in every texel",
    why_greys: "several greys and R = G = B = A in every texel",
    why_ignored: "alpha is 0 everywhere, but there are colours: a game that draws it ignores alpha", why_opaque: "alpha is 255 everywhere",
    why_binary: "alpha is 0 or 255, {share} of the texels are visible", why_ternary: "alpha is 0, 255 or {levels}, as on the PS1",
    why_soft: "{n} levels of alpha from {from} to {to}", why_same: "nothing changes along this axis: every mode gives the same",
    why_few: "{n} texels are too few to tell", why_line: "the same line of texels and holes at both borders",
    why_power: "{n} texels are no power of two: an N64 cannot repeat them", why_empty: "nothing is visible at either border",
    why_period: "it repeats exactly every {n} texels", why_shape: "a shape that only touches its borders",
    why_neighbours: "across the border colours jump {step} times as much as inside; {n} others of its palette and size probably {do}",
    why_seam: "across the border colours jump {step} times as much as inside", why_repeat: "repeat", why_doNotRepeat: "do not repeat",
    why_dump: "the dump says so", why_flat: "one flat colour, so repeating texels is exact", why_picture: "a picture to upscale",
    why_x: "left to right", why_y: "top to bottom", why_mayRepeat: "probably doesn't repeat {way} ({sure} sure), but may: {why}",
    why_mayEnd: "probably repeats {way} ({sure} sure), but may not: {why}",
    why_againstOdds: "may repeat {way} ({sure} sure), treated so because it does less harm if wrong: {why}",
    why_wrapsProbably: "probably repeats {way} ({sure} sure): {why}", why_wraps: "repeats {way} ({sure} sure): {why}",
    why_mirrorsProbably: "probably is mirrored {way} ({sure} sure): {why}", why_mirrors: "is mirrored {way} ({sure} sure): {why}",
    why_endsProbably: "probably doesn't repeat {way} ({sure} sure): {why}", why_ends: "doesn't repeat {way} ({sure} sure): {why}",
  },
  de: {
    skip: "Zum Bild springen", theme: "Hell oder dunkel", textures: "Texturen", find: "Namen, Formate, Ränder, Modelle, Regeln suchen",
    findHint: "Suchen: Name, ci8, clamp, Regel 3 …", sort: "Ordnung", nothing: "Keine Textur passt.", clear: "Filter leeren",
    fold: "Varianten falten", foldHint: "Varianten einer Textur und Teile eines Bildes teilen sich eine Zeile",
    facts: "Was entschieden wurde, und warum", pack: "Das Paket", viewer: "Vorher und nachher", tools: "Ansicht", layout: "Anordnung",
    tiling: "Kacheln", extent: "Geteiltes Bild", channel: "Kanäle", backdrop: "Hintergrund", zoom: "Größe", zoomOut: "Kleiner", zoomIn: "Größer",
    zoomFit: "Ins Fenster einpassen", fit: "Eingepasst", steps: "Durch die Liste gehen", previous: "Vorige", next: "Nächste", keys: "Tasten",
    close: "Schließen", shown: "{n} von {all} Texturen", place: "{n} von {all}", t_slider: "Schieber", t_sliderHint: "Übereinander",
    t_beside: "Daneben", t_besideHint: "Nebeneinander", t_oneHint: "Die Textur allein", t_nineHint: "Wie das Spiel sie wiederholt",
    t_whole: "Ganz", t_wholeHint: "Das geteilte Bild mit allen Teilen", t_piece: "Teil", t_pieceHint: "Dieser Teil allein",
    t_rgbaHint: "Farbe und Alpha", t_rgbHint: "Farbe ohne Alpha", t_aHint: "Alpha als Grau", t_checker: "Karo", t_magenta: "Magenta",
    t_black: "Schwarz", source: "Quelle", result: "Ergebnis", other: "Andere Einstellung", described: "{which} von {name}",
    ofPieces: "{which} von {name}, {n} Teile", sliderName: "Links die Quelle, rechts das Ergebnis", sliderValue: "{n} Prozent Quelle",
    noSource: "Die Quelle kann nicht gezeigt werden", noResult: "Es gibt kein Ergebnis", gone: "{file} fehlt im Bericht",
    o_worst: "Schlechteste in irgendeinem Maß", o_seam: "Schlechteste Naht", o_mayRepeat: "Wiederholt sich vielleicht",
    o_colour: "Größte Farbabweichung", o_alpha: "Größte Alphaabweichung", o_name: "Name", o_large: "Größte zuerst", o_small: "Kleinste zuerst",
    l_class: "Klasse", l_kind: "Art", l_size: "Größe", l_format: "Format", l_edges: "Ränder", l_rule: "Entschieden von", l_sure: "Sicherheit",
    l_target: "Ziel", l_input: "Eingabe", l_by: "Gemacht von", l_warning: "Warnung", l_state: "Zustand", l_action: "Aktion",
    l_review: "Durchsicht", v_unknown: "unbekannt", v_notSure: "nicht sicher", v_upTo: "bis {n}", v_larger: "größer", v_reading: "Lesen der Datei",
    v_none: "Keine", v_mayRepeat: "wiederholt sich vielleicht", v_duplicates: "mit Duplikaten", v_inputs: "je nach Eingabe anders",
    v_gone: "Bild fehlt", v_certain: "sicher", v_atLeast: "{n} % oder mehr", v_between: "{from} bis {to} %", v_below: "weniger als {n} %",
    nearest: "wiederholte Texel", hand: "von Hand", nobody: "nicht gemacht", both: "wrap oder clamp", m_seam: "Naht", m_seamShort: "Naht",
    m_colour: "Farbabweichung", m_colourShort: "Farbe", m_alpha: "Alphaabweichung", m_alphaShort: "Alpha", look: ", ansehen",
    lookFirst: ", zuerst ansehen", failed: "gescheitert", skipped: "ausgelassen", relativesMore: "{n} weitere Varianten, Spiegelbilder oder Teile",
    samePixels: "{n} mit denselben Pixeln", measures: "Maße", rank: "{place}schlechteste von {all} nach {measure}", firstRank: "die schlechteste von {all} nach {measure}",
    decided: "Entschieden", did_written: "Schreiben", did_copied: "Kopieren", did_skipped: "Auslassen", did_failed: "Scheitern", action: "Aktion",
    alpha: "Alpha", leftRight: "Links, rechts", topBottom: "Oben, unten", pieceLabel: "Teil", pieceAt: "Spalte {column}, Reihe {row}",
    pieceIn: "Teil von {name}", structure: "Struktur", structureOwn: "gibt die eigene an ihre Varianten", structureOf: "von einer Variante",
    mirrorImage: "Spiegelbild", flip_none: "gibt die eigene an ihre Spiegelbilder", flip_x: "links und rechts vertauscht",
    flip_y: "oben und unten vertauscht", flip_both: "umgedreht", upscaledWas: "{why}; vergrößert wurde {name}", input: "Eingabe",
    insteadOf: "andere Bilder dieses Namens, nicht benutzt, in {names}", madeBy: "Gemacht von", detailAt: "Details {n}",
    writtenAt: "Größe", atScale: "{n}fach", forBudget: "{target}: kleiner, damit das Paket klein genug ist; das kostet {n} Stufen",
    family_pieces: "{n} Teile", family_images: "{n} Spiegelbilder", family_variants: "{n} Varianten", files: "Dateien", nameSays: "Der Name sagt",
    h_next: "nächste Textur", h_previous: "vorige Textur", h_slider: "Schieber bewegen, mit Umschalt schneller",
    h_hold: "halten: die Quelle allein", h_layout: "Schieber oder nebeneinander", h_tiling: "eine Kachel oder 3 × 3",
    h_extent: "ein geteiltes Bild ganz, oder dieser Teil", h_channel: "Farbe und Alpha, Farbe, Alpha", h_backdrop: "Karo, Magenta, Schwarz",
    h_zoom: "Größe; 0 passt ins Fenster ein",
    aboutSeam: "die Stufe von einer Wiederholung der Textur zur nächsten, geteilt durch die mittlere Stufe darin. 1 ist nahtlos.",
    aboutColour: "mittlerer Unterschied des Ergebnisses, verkleinert auf die Größe der Quelle, zur Quelle, in Stufen von 255.",
    aboutAlpha: "Unterschied im Anteil der Fläche, die mindestens halb deckt, in Prozent.",
    aboutLevels: "Gelb und Rot sagen nur, wo zuerst hinzusehen ist.",
    outdated: "Dieser Bericht ist älter als das Paket: er wurde aus dem Paket von {date} gemacht. texpipe report macht ihn neu.",
    st_written: "geschrieben", st_copied: "kopiert", st_skipped: "ausgelassen", st_failed: "gescheitert", st_edited: "geändert",
    st_foreign: "fremd", st_new: "neu", duplicate: "Duplikat", duplicates: "Duplikate", key_space: "Leertaste",
    why_classify: "erkannt", why_rule: "Regel {n}", why_hand: "von Hand",
    why_byName: "der Name sagt {format}, und R = G = B = A in jedem Texel", why_greys: "mehrere Graustufen, und R = G = B = A in jedem Texel",
    why_ignored: "Alpha ist überall 0, aber es gibt Farben: ein Spiel, das sie zeichnet, beachtet Alpha nicht",
    why_opaque: "Alpha ist überall 255", why_binary: "Alpha ist 0 oder 255, {share} der Texel sind sichtbar",
    why_ternary: "Alpha ist 0, 255 oder {levels}, wie auf der PS1", why_soft: "{n} Stufen von Alpha, von {from} bis {to}",
    why_same: "entlang dieser Achse ändert sich nichts: alles ergibt dasselbe", why_few: "{n} Texel sind zu wenige für ein Urteil",
    why_line: "dieselbe Linie aus Texeln und Löchern an beiden Rändern",
    why_power: "{n} Texel sind keine Zweierpotenz: ein N64 kann sie nicht wiederholen", why_empty: "an keinem der beiden Ränder ist etwas zu sehen",
    why_period: "es wiederholt sich genau alle {n} Texel", why_shape: "eine Form, die ihre Ränder nur berührt",
    why_neighbours: "am Rand springen die Farben {step}-mal so stark wie im Innern; {n} andere mit dieser Palette und Größe {do} wohl",
    why_seam: "am Rand springen die Farben {step}-mal so stark wie im Innern", why_repeat: "wiederholen sich", why_doNotRepeat: "enden",
    why_dump: "der Dump sagt es", why_flat: "eine einzige Farbe: Texel zu wiederholen ist genau", why_picture: "ein Bild zum Vergrößern",
    why_x: "von links nach rechts", why_y: "von oben nach unten",
    why_mayRepeat: "wiederholt sich {way} wohl nicht ({sure} sicher), aber vielleicht doch: {why}",
    why_mayEnd: "wiederholt sich {way} wohl ({sure} sicher), vielleicht aber nicht: {why}",
    why_againstOdds: "wiederholt sich {way} vielleicht ({sure} sicher) und wird so behandelt, weil das weniger schadet, falls es falsch ist: {why}",
    why_wrapsProbably: "wiederholt sich {way} wohl ({sure} sicher): {why}", why_wraps: "wiederholt sich {way} ({sure} sicher): {why}",
    why_mirrorsProbably: "ist {way} wohl gespiegelt ({sure} sicher): {why}", why_mirrors: "ist {way} gespiegelt ({sure} sicher): {why}",
    why_endsProbably: "wiederholt sich {way} wohl nicht ({sure} sicher): {why}", why_ends: "wiederholt sich {way} nicht ({sure} sicher): {why}",
  },
};

const LANGUAGE = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => Object.hasOwn(TEXTS, tag)) ?? "en";

/** The text of a key, with {names} in it replaced by values. */
function say(key, values = {}) {
  const text = TEXTS[LANGUAGE][key] ?? TEXTS.en[key] ?? key;
  if (!text.includes("{")) return text; // most are asked for once for every texture
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Put the texts into the page's own elements. */
function translate() {
  document.documentElement.lang = LANGUAGE;
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = say(one.dataset.text);
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", say(one.dataset.label));
  for (const one of document.querySelectorAll("[data-placeholder]")) one.placeholder = say(one.dataset.placeholder);
  for (const one of document.querySelectorAll("[data-title]")) one.title = say(one.dataset.title);
}

/** Add texts of one page to those that all have. */
function addTexts(more) {
  for (const [language, texts] of Object.entries(more)) Object.assign(TEXTS[language], texts);
}
