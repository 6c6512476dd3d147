// Every text of the studio, a catalogue for each language; English has all of them.
"use strict";

const TEXTS = {
  en: {
    skip: "Skip to the picture", counts: "The recipe", undo: "Undo", redo: "Redo", save: "Save …", run: "Run …", keys: "Keys",
    theme: "Switch between light and dark", textures: "Textures", find: "Find names, formats, edges, models, rules",
    queue: "Queue", sort: "Sort", selectAll: "Select all", nothing: "No texture fits.", clear: "Clear the filters",
    viewer: "Before and after", tools: "How to look at it", layout: "Layout", tiling: "Tiling", extent: "Split picture",
    channel: "Channels", backdrop: "Backdrop", zoom: "Zoom", zoomOut: "Zoom out", zoomIn: "Zoom in",
    zoomFit: "Fit to the window", steps: "Step through the list", previous: "Previous", next: "Next", decide: "Decide",
    diffTitle: "What changes in the recipe", cancel: "Cancel", saveNow: "Save", start: "Start", pause: "Pause", stop: "Stop",
    close: "Close", log: "Log", runProgress: "Progress of the run", compareTitle: "Compare models and details",
    reading: "reading: {n} of {all}", readingHint: "The textures are still being read. When all are there, you can decide.",
    shown: "{n} of {all} textures", place: "{n} of {all}", selected: "{n} selected", rules: "{n} rules", unsaved: "not saved",
    reviewed: "{n} of {all} looked at", all: "All textures", q_undecided: "Probably repeats, not certain",
    q_worst: "Worst of the last run", q_by_hand: "Edited by hand", q_new: "New since last time",
    q_letters: "Letters and HUD", q_unseen: "Never looked at", like: "All like this",
    s_name: "name", s_size: "size", s_format: "format", s_alpha: "alpha", s_folder: "folder", s_kind: "kind", s_group: "group",
    s_palette: "palette", likeCount: "Textures like this: {n}",
    f_edgesx: "Left, right", f_edgesy: "Top, bottom", f_alpha: "Alpha", f_action: "Action", f_model: "Model", f_detail: "Detail",
    f_colour: "Colour", f_outline: "Outline", f_consistency: "Consistency", f_clean: "Clean", f_cells: "Cells",
    f_action_was: "Decided", asDecided: "as decided", mixed: "mixed", automatic: "automatic", recipes: "the recipe's",
    why: "Why", review: "Review", approve: "Approve", reject: "Reject", flag: "Flag", note: "Note", keepNote: "Keep the note",
    compare: "Compare models and details …", c_model: "Models", c_detail: "Details", columnsOf: "Columns",
    pickKind: "Use for every {kind}", pickAll: "Use for all", pickOne: "Use {what} for {name}",
    tryOnly: "Only try: show it beside", takeTried: "Take it", triedNow: "Other setting: {what} ({s} s)",
    splitPicture: "{n} pieces of one picture", columns: "In a row", overlap: "Shared texels", group: "Group", ungroup: "Ungroup",
    pieceOf: "Piece of {name}", grouped: "One picture now (textures: {n})", ungrouped: "No longer one picture (textures: {n})",
    edit: "Open in my editor", editing: "{path} is opened; what you save there is shown here", k_edit: "open in my editor", dropHint: "Drop a PNG on the picture to use it instead.", previewing: "Preview …",
    previewed: "Preview in {s} s", resultShown: "Finished result", decided: "{what} (textures: {n}, new rules: {r})",
    undone: "Undone (textures: {n})", redone: "Redone (textures: {n})", saved: "The recipe is saved", reviewedNow: "{mark} (textures: {n})",
    dropped: "{path} is used instead", notPng: "Only PNG files can be dropped here", noChange: "Nothing has changed.",
    changed: "The recipe's file was changed by another program.", reload: "Read it and give up what is not saved here",
    conflict: "Another page decided something meanwhile; this one was brought up to date. Please decide again.",
    lost: "The studio does not answer. Is `texpipe studio` still running?", replace: "There is a picture by hand already. Replace it?",
    r_idle: "Nothing runs.", r_running: "{stage}: {done} of {total}, {left}", r_paused: "Paused at {done} of {total}.",
    r_done: "Done: {total} textures, {cached} of them unchanged.", r_failed: "The run failed; the log says why.",
    found_running: "A run that was started before goes on.", found_paused: "A run that was started before was interrupted: Start goes on with it.",
    left: "about {s} s left", unknownLeft: "time left not known yet", preview: "Preview", pick: "Use for the selection",
    k_step: "next, previous texture", k_edges: "wrap, mirror, clamp", k_action: "repeat texels, skip", k_model: "the models, in order",
    k_review: "approve, reject, flag", k_undo: "undo, redo, save", k_blink: "hold to see the setting before",
    k_look: "layout, tiling, channels, backdrop", k_find: "find", k_pick: "add to the selection, with Shift all between",
  },
  de: {
    skip: "Zum Bild springen", counts: "Das Rezept", undo: "Zurück", redo: "Wiederholen", save: "Sichern …", run: "Lauf …", keys: "Tasten",
    theme: "Hell oder dunkel", textures: "Texturen", find: "Namen, Formate, Ränder, Modelle, Regeln suchen",
    queue: "Liste", sort: "Ordnung", selectAll: "Alle auswählen", nothing: "Keine Textur passt.", clear: "Filter leeren",
    viewer: "Vorher und nachher", tools: "Ansicht", layout: "Anordnung", tiling: "Kacheln", extent: "Geteiltes Bild",
    channel: "Kanäle", backdrop: "Hintergrund", zoom: "Größe", zoomOut: "Kleiner", zoomIn: "Größer",
    zoomFit: "Ins Fenster einpassen", steps: "Durch die Liste gehen", previous: "Vorige", next: "Nächste", decide: "Entscheiden",
    diffTitle: "Was sich im Rezept ändert", cancel: "Abbrechen", saveNow: "Sichern", start: "Start", pause: "Pause", stop: "Halt",
    close: "Schließen", log: "Protokoll", runProgress: "Fortschritt des Laufs", compareTitle: "Modelle und Details vergleichen",
    reading: "gelesen: {n} von {all}", readingHint: "Die Texturen werden noch gelesen. Sobald alle da sind, lässt sich entscheiden.",
    shown: "{n} von {all} Texturen", place: "{n} von {all}", selected: "{n} ausgewählt", rules: "{n} Regeln", unsaved: "nicht gesichert",
    reviewed: "{n} von {all} angesehen", all: "Alle Texturen", q_undecided: "Wiederholt sich wohl, nicht sicher",
    q_worst: "Schlechteste des letzten Laufs", q_by_hand: "Von Hand gemacht", q_new: "Neu seit dem letzten Mal",
    q_letters: "Schrift und Anzeigen", q_unseen: "Nie angesehen", like: "Alle solchen",
    s_name: "Name", s_size: "Größe", s_format: "Format", s_alpha: "Alpha", s_folder: "Ordner", s_kind: "Art", s_group: "Gruppe",
    s_palette: "Palette", likeCount: "Solche Texturen: {n}",
    f_edgesx: "Links, rechts", f_edgesy: "Oben, unten", f_alpha: "Alpha", f_action: "Aktion", f_model: "Modell", f_detail: "Details",
    f_colour: "Farbe", f_outline: "Umriss", f_consistency: "Treue", f_clean: "Säubern", f_cells: "Zellen",
    f_action_was: "Entschieden", asDecided: "wie entschieden", mixed: "verschieden", automatic: "automatisch", recipes: "das des Rezepts",
    why: "Warum", review: "Durchsicht", approve: "Gut", reject: "Schlecht", flag: "Merken", note: "Notiz", keepNote: "Notiz behalten",
    compare: "Modelle und Details vergleichen …", c_model: "Modelle", c_detail: "Details", columnsOf: "Spalten",
    pickKind: "Für alle der Art {kind}", pickAll: "Für alle nehmen", pickOne: "{what} für {name} nehmen",
    tryOnly: "Nur probieren: daneben zeigen", takeTried: "Nehmen", triedNow: "Andere Einstellung: {what} ({s} s)",
    splitPicture: "{n} Teile eines Bildes", columns: "In einer Reihe", overlap: "Gemeinsame Texel", group: "Zusammenfügen", ungroup: "Trennen",
    pieceOf: "Teil von {name}", grouped: "Jetzt ein Bild (Texturen: {n})", ungrouped: "Kein gemeinsames Bild mehr (Texturen: {n})",
    edit: "In meinem Programm öffnen", editing: "{path} ist geöffnet; was dort gesichert wird, erscheint hier", k_edit: "im eigenen Programm öffnen", dropHint: "Ein PNG auf das Bild ziehen, um es stattdessen zu nehmen.", previewing: "Vorschau …",
    previewed: "Vorschau in {s} s", resultShown: "Fertiges Ergebnis", decided: "{what} (Texturen: {n}, neue Regeln: {r})",
    undone: "Zurückgenommen (Texturen: {n})", redone: "Wiederholt (Texturen: {n})", saved: "Das Rezept ist gesichert", reviewedNow: "{mark} (Texturen: {n})",
    dropped: "{path} wird stattdessen genommen", notPng: "Hierher gehören nur PNG-Dateien", noChange: "Nichts hat sich geändert.",
    changed: "Ein anderes Programm hat das Rezept geändert.", reload: "Neu lesen und aufgeben, was hier nicht gesichert ist",
    conflict: "Eine andere Seite hat inzwischen etwas entschieden; diese hier ist wieder aktuell. Bitte noch einmal entscheiden.",
    lost: "Das Studio antwortet nicht. Läuft `texpipe studio` noch?", replace: "Es gibt schon ein Bild von Hand. Ersetzen?",
    r_idle: "Nichts läuft.", r_running: "{stage}: {done} von {total}, {left}", r_paused: "Pause bei {done} von {total}.",
    r_done: "Fertig: {total} Texturen, {cached} davon unverändert.", r_failed: "Der Lauf ist gescheitert; das Protokoll sagt, warum.",
    found_running: "Ein früher gestarteter Lauf geht weiter.", found_paused: "Ein früher gestarteter Lauf wurde unterbrochen: Start setzt ihn fort.",
    left: "noch etwa {s} s", unknownLeft: "Restzeit noch unbekannt", preview: "Vorschau", pick: "Für die Auswahl nehmen",
    k_step: "nächste, vorige Textur", k_edges: "wiederholen, spiegeln, enden", k_action: "Texel wiederholen, auslassen", k_model: "die Modelle der Reihe nach",
    k_review: "gut, schlecht, merken", k_undo: "zurück, wiederholen, sichern", k_blink: "halten: die Einstellung davor",
    k_look: "Anordnung, Kacheln, Kanäle, Hintergrund", k_find: "suchen", k_pick: "zur Auswahl, mit Umschalt alle dazwischen",
  },
};

const LANGUAGE = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => Object.hasOwn(TEXTS, tag)) ?? "en";

/** The text of a key, with {names} in it replaced by values. */
function say(key, values = {}) {
  const text = TEXTS[LANGUAGE][key] ?? TEXTS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** Put the texts into the page's own elements. */
function translate() {
  document.documentElement.lang = LANGUAGE;
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = say(one.dataset.text);
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", say(one.dataset.label));
  for (const one of document.querySelectorAll("[data-placeholder]")) one.placeholder = say(one.dataset.placeholder);
}
