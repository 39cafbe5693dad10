// Keyway on your phone: keeps the phone's key, signs its calls, shows one view at a time.
// The private key is made here, cannot be read out, and lies in IndexedDB.

const root = document.querySelector("[data-device]");
const base = root.dataset.base;
const every = 5000;
const utf8 = new TextEncoder();
const algorithm = { name: "ECDSA", namedCurve: "P-256" };

let kept = null; // {id, name, person, check, privateKey}
let offset = 0; // the gateway's clock less ours, in ms
let shown = null; // the request on the screen
let subscribable = false;
let installer = null;
let codeUntil = 0;
let polling = false;

// Small things

const part = (selector) => root.querySelector(selector);
const now = () => Date.now() + offset;

function text(values) {
  for (const [name, value] of Object.entries(values)) {
    for (const place of root.querySelectorAll(`[data-text="${name}"]`)) place.textContent = value;
  }
}

function error(view, message = "") {
  part(`[data-view="${view}"] [data-error]`).textContent = message;
}

function show(name) {
  const view = part(`[data-view="${name}"]`);
  if (!view.hidden) return;
  for (const other of root.querySelectorAll("[data-view]")) other.hidden = other !== view;
  (view.querySelector("[autofocus]") ?? view.querySelector("h1")).focus();
}

function duration(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function moment(iso) {
  return new Date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

function base64url(buffer) {
  const bytes = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The one row of the store

function store(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("keyway", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("phone");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("phone", mode);
      const asking = act(transaction.objectStore("phone"));
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(asking.result);
      };
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    };
  });
}

const load = () => store("readonly", (phone) => phone.get("this"));
const forget = () => store("readwrite", (phone) => phone.delete("this"));

async function keep(changes) {
  kept = { ...kept, ...changes };
  await store("readwrite", (phone) => phone.put(kept, "this"));
}

// Signed calls

async function headers(method, path, body, key, id) {
  const time = String(Math.round(now()));
  const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
  const digest = base64url(await crypto.subtle.digest("SHA-256", utf8.encode(body)));
  const signed = ["keyway-phone-1", method, path, time, nonce, digest].join("\n");
  const how = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(how, key, utf8.encode(signed));
  return {
    "Keyway-Phone": id,
    "Keyway-Time": time,
    "Keyway-Nonce": nonce,
    "Keyway-Signature": base64url(signature),
  };
}

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// Answers with the body. Throws Refused with the gateway's words, TypeError without a connection.
async function call(method, name, given, { key = kept.privateKey, id = kept.id, again = true } = {}) {
  const path = base + name;
  const body = given ? JSON.stringify(given) : "";
  const response = await fetch(path, {
    method,
    body: body || undefined,
    headers: await headers(method, path, body, key, id),
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(10000),
  });
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const answer = isJson ? await response.json() : {};
  if (answer.time) offset = answer.time - Date.now();
  if (answer.error === "time" && again) return call(method, name, given, { key, id, again: false });
  if (!response.ok) {
    const fallback = `Keyway answered with an error (${response.status}). Try again.`;
    throw new Refused(answer.error ?? String(response.status), answer.message ?? fallback);
  }
  return answer;
}

// A request on the screen stays there without a connection; what else is shown may be untrue.
function online(isOnline) {
  part("[data-offline]").hidden = isOnline || !shown;
  if (!isOnline && !shown && kept?.id) show("unreachable");
}

// Says in a view why a call failed.
function failed(reason, view) {
  if (reason instanceof Refused) {
    online(true);
    error(view, reason.message);
  } else {
    online(false);
    error(view, "Keyway did not answer. Check the connection of this phone, then try again.");
  }
}

// Set up

function guessedName() {
  const agent = navigator.userAgent;
  const names = { iPhone: "iPhone", iPad: "iPad", Android: "Android phone" };
  const found = Object.keys(names).find((mark) => agent.includes(mark));
  return found ? names[found] : "Phone";
}

function setUp() {
  const code = decodeURIComponent(location.hash.slice(1)).slice(0, 20);
  if (code) history.replaceState(null, "", location.pathname);
  part("[data-without-code]").hidden = Boolean(code);
  part("#code").value = code.replace(/(.{4})(?=.)/g, "$1-");
  part("#name").value ||= guessedName();
  show("set_up");
}

async function checkNumber(code, publicKey) {
  const typed = code.replace(/[\s-]/g, "").toUpperCase();
  const made = await crypto.subtle.digest("SHA-256", utf8.encode(`keyway-check\n${typed}\n${publicKey}`));
  const digits = String(new DataView(made).getUint32(0) % 1000000).padStart(6, "0");
  return `${digits.slice(0, 3)} ${digits.slice(3)}`;
}

async function enrol(form) {
  const code = form.elements.code.value.trim();
  const name = form.elements.name.value.trim();
  if (!code) return error("set_up", "Enter the code that your computer shows.");
  const pair = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const key = base64url(await crypto.subtle.exportKey("spki", pair.publicKey));
  try {
    // Before the code is used up: a key that cannot be kept would be lost.
    await keep({ privateKey: pair.privateKey });
    const made = await call("POST", "enrol/", { code, key, name }, { id: "" });
    await keep({ id: made.id, name: made.name, check: await checkNumber(code, key) });
  } catch (reason) {
    return failed(reason, "set_up");
  }
  navigator.storage?.persist?.();
  await look();
}

// Notifications

async function workerReady() {
  if (!("serviceWorker" in navigator)) return null;
  try {
    await navigator.serviceWorker.register(`${base}worker.js`, { scope: base });
    return await navigator.serviceWorker.ready;
  } catch {
    return null;
  }
}

async function turnOnPush() {
  const place = part("[data-push-error]");
  place.textContent = "";
  const permission = await Notification.requestPermission();
  if (permission !== "granted") {
    place.textContent = "This browser blocks notifications. Allow them for this site in its settings, or keep this page open.";
    return;
  }
  try {
    const worker = await navigator.serviceWorker.ready;
    const subscription = await worker.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: root.dataset.applicationKey,
    });
    await call("POST", "subscription/", { subscription: subscription.toJSON() });
  } catch (reason) {
    place.textContent =
      reason instanceof Refused
        ? reason.message
        : "The push service of this browser did not answer. Keep this page open, and try again later.";
    return;
  }
  await look();
}

// What there is

function idle(phone) {
  const isNew = Boolean(phone.confirms_from);
  part("[data-push-on]").hidden = !phone.has_push;
  part("[data-push-off]").hidden = phone.has_push;
  part("[data-push-offer]").hidden = phone.has_push || !subscribable;
  part("[data-too-new]").hidden = !isNew;
  text({ name: phone.name, person: phone.person });
  if (isNew) text({ confirms_from: moment(phone.confirms_from) });
  show("idle");
}

function result(title, words) {
  shown = null;
  text({ result_title: title, result: words });
  show("result");
}

function request(found) {
  if (shown?.id === found.id) return;
  shown = found;
  part("#number").value = "";
  error("request");
  text({
    ...found,
    address: found.address ?? "an unknown address",
    asked_at: moment(found.asked_at),
    left: duration(Date.parse(found.expires_at) - now()),
  });
  show("request");
  part('[data-view="request"]').scrollIntoView({ block: "start" });
}

function over() {
  const isLate = Date.parse(shown.expires_at) <= now();
  if (isLate) result("The request has expired", "It was not answered in time. Nothing was shown or changed.");
  else result("The request is over", "It was answered in another way, or cancelled on the computer.");
}

function unknown(reason) {
  text({ removed: reason.message });
  show("removed");
}

async function look() {
  if (!kept?.id || polling) return;
  polling = true;
  try {
    const state = await call("GET", "state/");
    online(true);
    if (!state.phone.is_added) {
      text({ check: kept.check });
      show("compare");
    } else if (state.request) request(state.request);
    else if (shown) over();
    else if (part('[data-view="result"]').hidden) idle(state.phone);
  } catch (reason) {
    if (!(reason instanceof Refused)) online(false);
    else if (reason.code === "unknown") unknown(reason);
  } finally {
    polling = false;
  }
}

const DONE = {
  approve: ["Approved", "Your computer goes on by itself."],
  deny: ["Denied", "Nothing was shown or changed."],
  not_me: [
    "Denied and reported",
    "The session that asked was ended, and your administrators were told. Have your password changed now: somebody may know it.",
  ],
};

async function answer(decision, number) {
  if (!shown) return;
  try {
    await call("POST", `requests/${shown.id}/`, { decision, number });
  } catch (reason) {
    if (["over", "wrong_number", "404"].includes(reason.code)) {
      result(reason.code === "wrong_number" ? "Denied" : "The request is over", reason.message);
    } else {
      failed(reason, "request");
    }
    return;
  }
  online(true);
  result(...DONE[decision]);
}

function approve(form) {
  const typed = form.elements.number.value.trim();
  if (!/^[1-9][0-9]$/.test(typed)) {
    error("request", "Enter the two digits that your computer shows.");
    return form.elements.number.focus();
  }
  return answer("approve", Number(typed));
}

async function code() {
  try {
    const made = await call("POST", "code/", {});
    codeUntil = now() + made.seconds * 1000;
    text({ code: `${made.code.slice(0, 3)} ${made.code.slice(3)}` });
    tick();
  } catch (reason) {
    if (reason instanceof Refused) part("[data-push-error]").textContent = reason.message;
    else online(false);
  }
}

const ACTS = {
  look,
  push: turnOnPush,
  code,
  deny: () => answer("deny"),
  not_me: () => answer("not_me"),
  done: () => {
    part('[data-view="result"]').hidden = true;
    return look();
  },
  forget: async () => {
    await forget();
    kept = shown = null;
    setUp();
  },
  install: async () => {
    await installer?.prompt();
    part('[data-act="install"]').hidden = true;
  },
};
const FORMS = { enrol, approve };

// One thing at a time: a second press waits for the first to end.
async function busy(button, act) {
  if (button.dataset.busy) return;
  button.dataset.busy = "true";
  button.setAttribute("aria-disabled", "true");
  try {
    await act();
  } finally {
    delete button.dataset.busy;
    button.removeAttribute("aria-disabled");
  }
}

function tick() {
  if (shown) {
    text({ left: duration(Date.parse(shown.expires_at) - now()) });
    if (Date.parse(shown.expires_at) <= now()) over();
  }
  part("[data-code]").hidden = codeUntil <= now();
  text({ code_left: duration(codeUntil - now()) });
}

function listen() {
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    busy(form.querySelector('[type="submit"]'), () => FORMS[form.dataset.form](form));
  });
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) busy(button, ACTS[button.dataset.act]);
  });
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    installer = event;
    part('[data-act="install"]').hidden = false;
  });
  addEventListener("hashchange", () => {
    if (!kept?.id) setUp();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
  });
  addEventListener("online", look);
  navigator.serviceWorker?.addEventListener("message", look);
  setInterval(() => document.hidden || look(), every);
  setInterval(tick, 1000);
}

async function start() {
  root.hidden = false;
  if (!globalThis.crypto?.subtle || !globalThis.indexedDB) return show("unsupported");
  try {
    kept = await load();
  } catch {
    return show("unsupported");
  }
  listen();
  const worker = await Promise.race([workerReady(), new Promise((done) => setTimeout(done, 2000))]);
  subscribable = Boolean(root.dataset.applicationKey && worker?.pushManager && globalThis.Notification);
  if (!kept?.id) return setUp();
  if (location.hash) history.replaceState(null, "", location.pathname);
  await look();
}

start();
