// The switch for upscaling while the game is played.
"use strict";

function openLive() {
  const targets = studio.recipe.targets;
  byId("live-target").replaceChildren(...targets.map((name) => element("option", { value: name }, name)));
  byId("live-target").closest("p").hidden = targets.length < 2;
  showLive(studio.live);
  byId("playing").showModal();
}

/** Start or stop it, or have the whole pack written; decisions that are not saved are shown first. */
const plays = (what) => attempt(async () => {
  try {
    showLive(await send("live", { do: what, target: byId("live-target").value, into: byId("live-into").value.trim() }));
  } catch (error) {
    byId("live-line").textContent = error instanceof Refusal ? error.message : `${say("lost")} ${error.message}`;
    if (error.code !== "unsaved") return;
    byId("playing").close();
    await openDiff();
    tell(error.message);
  }
});

function showLive(live) {
  studio.live = live;
  const isOn = live.state !== "off";
  byId("live-line").textContent = say(`live_${live.state}`, { into: live.into });
  byId("live-log").textContent = live.lines.join("\n");
  byId("live-start").disabled = isOn;
  byId("live-stop").disabled = byId("live-write").disabled = live.state !== "on";
  byId("live-into").disabled = byId("live-target").disabled = isOn;
  byId("open-live").setAttribute("aria-pressed", String(isOn));
}
