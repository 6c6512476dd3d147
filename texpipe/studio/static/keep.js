// Undo, the diff before saving, runs, hand-made pictures, and what the server tells by itself.
"use strict";

/** Say in a line what happened; a screen reader reads it. */
function tell(text) {
  byId("told").textContent = text;
}

let attempts = 0; // what this page is doing on the server
let toldMeanwhile = null; // what the server told by itself since it began

/** Do something on the server; a refusal is said, and a conflict brings this page up to date. */
async function attempt(doing) {
  attempts += 1;
  try {
    await doing();
  } catch (error) {
    if (error.code === "conflict") {
      await loadAll();
      tell(say("conflict"));
    } else if (error.code === "changed") showChanged();
    else tell(error instanceof Refusal ? error.message : `${say("lost")} ${error.message}`);
  } finally {
    attempts -= 1;
    if (!attempts && toldMeanwhile) catchUp(toldMeanwhile);
  }
}

/** Take over what a decision, an undo or a redo changed. */
function took(done, text) {
  studio.version = done.version;
  if (done.rows) patchRows(done.rows, done.rules_added ?? 0);
  countAnew();
  list.redraw();
  refreshPanel();
  showOnStage(stage.texture, { preview: true });
  tell(text);
  refreshState();
}

const undo = () => attempt(async () => {
  const done = await send("undo", { version: studio.version });
  await loadAll(); // rules have other numbers now
  tell(say("undone", { n: done.affected }));
});

const redo = () => attempt(async () => {
  const done = await send("redo", { version: studio.version });
  await loadAll();
  tell(say("redone", { n: done.affected }));
});

const diffLines = (diff) => diff.split("\n").map((line) =>
  element("span", { class: line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : null }, `${line}\n`));

/** Show what saving would change in the recipe. */
const openDiff = () => attempt(async () => {
  const { diff } = await ask("diff");
  byId("diff-text").replaceChildren(...(diff ? diffLines(diff) : [say("noChange")]));
  byId("save-now").disabled = !diff;
  byId("diff").showModal();
});

const save = () => attempt(async () => {
  byId("diff").close();
  const done = await send("save", { version: studio.version });
  studio.version = done.version;
  tell(say("saved"));
  refreshState();
});

/** The recipe's file was changed by another program: nothing is overwritten; the person decides. */
function showChanged() {
  const again = () => attempt(async () => {
    await send("reload", { version: studio.version, discard: true });
    byId("alarm").hidden = true;
    await loadAll();
  });
  byId("alarm").replaceChildren(say("changed"), " ", element("button", { type: "button", id: "reload", click: again }, say("reload")));
  byId("alarm").hidden = false;
}

const closedNotices = new Set();

/** Show what there is to know of files that the server found or wrote, each until it is closed. */
function showNotices(notices) {
  if (notices.length === studio.noticed) return; // what somebody has opened stays open
  studio.noticed = notices.length;
  byId("notices").replaceChildren(...notices.filter(({ text }) => !closedNotices.has(text)).map(({ text, diff }) => {
    const close = () => {
      closedNotices.add(text);
      box.remove();
    };
    const decided = diff ? element("details", {}, element("summary", {}, say("noticeDiff")), element("pre", {}, ...diffLines(diff))) : null;
    const box = element("div", { class: "note outdated" }, text, " ", element("button", { type: "button", click: close }, say("close")), decided);
    return box;
  }));
}

/** Use a file that was dropped on the stage instead of the texture shown. */
const dropped = (file) => attempt(async () => {
  if (file?.type !== "image/png") {
    tell(say("notPng"));
    return;
  }
  const put = (more) => ask(`override?${queryOf({ name: stage.texture.source, ...more })}`, { method: "PUT", body: file });
  const made = await put({}).catch((error) => {
    if (error.code === "exists" && confirm(say("replace"))) return put({ replace: 1 });
    throw error;
  });
  await loadAll();
  tell(say("dropped", { path: made.path }));
});

function listenForDrops(box, taken) {
  box.addEventListener("dragover", (event) => event.preventDefault());
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    taken(event.dataTransfer.files[0]);
  });
}

/** Start, pause or stop the run; decisions that are not saved are shown first. */
const runs = (what) => attempt(async () => {
  try {
    showRun(await send("run", { do: what }));
  } catch (error) {
    if (error.code !== "unsaved") throw error;
    byId("running").close();
    await openDiff();
    tell(error.message);
  }
});

let toldFound = false;

function showRun(run) {
  studio.run = run;
  const left = run.seconds_left === null ? say("unknownLeft") : say("left", { s: Math.ceil(run.seconds_left) });
  const found = run.found && ["running", "paused"].includes(run.state) ? `${say(`found_${run.state}`)} ` : "";
  byId("run-line").textContent = found + say(`r_${run.state}`, { ...run, left, stage: say(`stage_${run.stage ?? "begin"}`) });
  if (found && !toldFound) tell(found);
  toldFound = Boolean(found);
  byId("run-bar").max = Math.max(1, run.total ?? 1);
  byId("run-bar").value = run.done ?? 0;
  byId("run-log").textContent = (run.log ?? []).join("\n");
  byId("run-start").disabled = run.state === "running";
  byId("run-pause").disabled = byId("run-stop").disabled = run.state !== "running";
  byId("open-run").textContent = run.state === "running" ? `${say("runTitle")} ${run.done}/${run.total}` : say("run");
}

/** What the server told: the run's progress, another page's decisions, another program's change of the file. */
function heard(told) {
  if (told.reading) {
    heardOfReading(told);
    return;
  }
  if (studio.reading) {
    attempt(loadAll);
    return;
  }
  studio.justRan ||= studio.run?.state === "running" && told.run.state !== "running";
  showRun(told.run);
  showLive(told.live);
  showNotices(told.notices);
  if (told.changed_on_disk) showChanged();
  else byId("alarm").hidden = true;
  if (attempts) toldMeanwhile = told; // it may be of this page's own decision, whose answer is still on its way
  else catchUp(told);
}

/** Load the textures anew if the server told of something that this page does not know. */
function catchUp(told) {
  toldMeanwhile = null;
  const isNew = studio.justRan || told.by_hand !== studio.by_hand || String(told.seen) !== String(studio.seen);
  const { dirty, reviews, by_hand, seen } = told;
  Object.assign(studio, { dirty, reviews: reviews ?? studio.reviews, by_hand, seen, justRan: false });
  if (told.version > studio.version || isNew) attempt(loadAll);
  else showCounts();
}
