// Elements with data-poll ask again by hx-trigger="every 3s". Not while nobody looks,
// once a minute when nothing was touched for a while, and never under an open menu.

const idleAfter = 120000;
const idleEvery = 60000;
let touched = Date.now();
const polledAt = new Map();

for (const kind of ["pointerdown", "pointermove", "keydown", "focus"]) {
  addEventListener(kind, () => (touched = Date.now()), { passive: true });
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  if (!element.matches("[data-poll]")) return;
  const now = Date.now();
  const idle = now - touched > idleAfter && now - (polledAt.get(element.id) ?? 0) < idleEvery;
  if (document.hidden || idle || element.querySelector(":popover-open")) {
    event.preventDefault();
    return;
  }
  polledAt.set(element.id, now);
});
