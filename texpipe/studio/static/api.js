// What the page asks of the server: one function for JSON, one for pictures, one for what the server tells by itself.
"use strict";

/** An answer that is no success; `code` is the server's word for it. */
class Refusal extends Error {
  constructor({ code, message, hint }) {
    super([message, hint].filter(Boolean).join("\n"));
    this.code = code;
  }
}

/** Ask the server; returns the answer's JSON. */
async function ask(path, { method = "GET", body, headers = {}, signal } = {}) {
  const isJson = body !== undefined && !(body instanceof Blob);
  const answer = await fetch(`/api/${path}`, {
    method,
    signal,
    headers: isJson ? { ...headers, "Content-Type": "application/json" } : headers,
    body: isJson ? JSON.stringify(body) : body,
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  throw await refusal(answer);
}

async function refusal(answer) {
  const told = await answer.json().catch(() => null);
  return new Refusal(told?.error ?? { code: "failed", message: `${answer.status} ${answer.statusText}` });
}

const queryOf = (values) => new URLSearchParams(values).toString();

const send = (path, body) => ask(path, { method: "POST", body });

/** Give the token of the address once, which gets a cookie, and take it out of the address. */
async function openSession() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  await ask("session", { method: "POST", headers: { "X-Texpipe-Token": token } });
  history.replaceState(null, "", location.pathname);
}

// The server lists a large dump while the page is still being put together.
const sessionOpened = openSession();
let firstTextures = sessionOpened.then(() => ask("textures"));
firstTextures.catch(() => null); // whoever takes them is told

/** Ask for all textures, or while they are read for those after the first ones. */
function askTextures(from = 0) {
  const asked = from === 0 && firstTextures;
  firstTextures = null;
  return asked || ask(from ? `textures?${queryOf({ from })}` : "textures");
}

/** Fetch a picture; returns its address in this page, the seconds it took and whether it was kept, or null if there is none. */
async function fetchPicture(path, signal) {
  const answer = await fetch(`/api/${path}`, { signal });
  if (answer.status === 404) return null;
  if (!answer.ok) throw await refusal(answer);
  return { file: URL.createObjectURL(await answer.blob()), seconds: Number(answer.headers.get("X-Texpipe-Seconds") ?? 0) };
}

/** Hear of every change of the state. */
function listenToServer(changed, lost) {
  const events = new EventSource("/api/events");
  events.addEventListener("state", ({ data }) => changed(JSON.parse(data)));
  events.addEventListener("error", () => lost());
}
