// Popover menus: roles, arrow keys, and a place for browsers without anchor positioning.
// Without this module a menu is a popover with links in it.

const items = (menu) => [...menu.querySelectorAll(".menu-item")];
const buttonOf = (menu) => document.querySelector(`[popovertarget="${menu.id}"]`);

function place(menu) {
  if (CSS.supports("position-area", "block-end span-inline-start")) return;
  const from = buttonOf(menu).getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const below = from.bottom + size.height + 8 < innerHeight;
  menu.style.top = `${below ? from.bottom : Math.max(0, from.top - size.height - 8)}px`;
  menu.style.left = `${Math.max(8, Math.min(from.right - size.width, innerWidth - size.width - 8))}px`;
}

function keys(event) {
  const menu = event.currentTarget;
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const letter = event.key.length === 1 && !event.ctrlKey && !event.metaKey;
  let next = null;
  if (event.key === "ArrowDown") next = all[(at + 1) % all.length];
  else if (event.key === "ArrowUp") next = all[(at - 1 + all.length) % all.length];
  else if (event.key === "Home") next = all[0];
  else if (event.key === "End") next = all.at(-1);
  else if (event.key === "Tab") return menu.hidePopover();
  else if (letter && event.key !== " ")
    next = [...all.slice(at + 1), ...all].find((item) =>
      item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()),
    );
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function wire(menu) {
  // A popover with nothing but a note stays one.
  if (menu.dataset.wired || !items(menu).length) return;
  menu.dataset.wired = "";
  const button = buttonOf(menu);
  menu.setAttribute("role", "menu");
  if (button.id) menu.setAttribute("aria-labelledby", button.id);
  button.setAttribute("aria-haspopup", "menu");
  for (const item of items(menu)) {
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
    item.closest("form")?.setAttribute("role", "none");
  }
  for (const note of menu.querySelectorAll(".menu-note")) note.setAttribute("role", "presentation");
  menu.addEventListener("keydown", keys);
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    place(menu);
    items(menu)[0]?.focus();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    menu.showPopover({ source: button });
    if (event.key === "ArrowUp") queueMicrotask(() => items(menu).at(-1)?.focus());
  });
}

function start(root) {
  if (!HTMLElement.prototype.showPopover) return;
  for (const menu of root.querySelectorAll(".menu[popover]")) wire(menu);
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.detail.elt));
