// What I see here: the textures on a screenshot of the pack in which each shows its number.
"use strict";

const MUCH_UNREAD = 0.02; // part of a screenshot that cannot be read from which on it is said what helps

function openScreen() {
  byId("screen-line").textContent = "";
  byId("screen-file").value = "";
  byId("seeing").showModal();
}

/** Read a screenshot, and list the textures on it, the largest first. */
async function readScreen(file) {
  if (!file) return;
  byId("screen-line").textContent = say("screenReading");
  try {
    const { shares, unread } = await ask("screen", { method: "PUT", body: file });
    const seen = new Map(Object.entries(shares));
    const found = TEXTURES.filter(({ source }) => seen.has(source)).length;
    const parts = [found ? say("screenFound", { n: found, share: percent([...seen.values()].reduce((sum, one) => sum + one)) }) : say("screenNothing")];
    if (unread > MUCH_UNREAD) parts.push(say("screenUnread", { share: percent(unread) }));
    byId("screen-line").textContent = parts.join(" ");
    if (found) showSeen(seen, parts.join(" "));
  } catch (error) {
    byId("screen-line").textContent = error instanceof Refusal ? error.message : `${say("lost")} ${error.message}`;
  }
}

const percent = (share) => (share * 100).toFixed(1);

function showSeen(seen, text) {
  studio.onScreen = seen;
  inOrder.delete("screen");
  byId("sort").value = wished.order = "screen";
  clearFilters("screen");
  fillQueues();
  byId("seeing").close();
  go(0);
  tell(text);
}
