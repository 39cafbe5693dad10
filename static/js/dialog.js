// Fragments that htmx puts into #dialog hold a <dialog>: open it, give the focus back afterwards.
// A dialog with data-keep-open is closed by its own buttons only, and asks first if
// its secret was not copied. One with data-guard asks first if something was typed.

const inputs = "input:not([type='hidden'], [readonly]), select, textarea";
const mount = document.getElementById("dialog");
let opener = null;

function openerOf(element) {
  const menu = element?.closest("[popover]");
  return (menu?.id && document.querySelector(`[popovertarget="${menu.id}"]`)) || element;
}

function forget(dialog) {
  for (const field of dialog.querySelectorAll("[data-secret]")) {
    field.value = "";
    field.removeAttribute("value");
  }
}

function show(dialog, name) {
  for (const view of dialog.querySelectorAll("[data-view]")) {
    view.hidden = view.dataset.view !== name;
    if (view.hidden) continue;
    const title = view.querySelector("h1, h2");
    if (title) dialog.setAttribute("aria-labelledby", title.id);
    const first = view.querySelector("[data-focus]") ?? view.querySelector(inputs) ?? title;
    first?.focus();
  }
}

function unsaved(dialog) {
  return dialog.querySelector("[data-secret]") && !dialog.hasAttribute("data-copied");
}

function close(dialog) {
  const typed = dialog.hasAttribute("data-typed") || dialog.querySelector("[data-dirty]");
  if (dialog.hasAttribute("data-guard") && typed) show(dialog, "changed");
  else dialog.close();
}

// Often the very page the dialog stands on: it is read again, so that it shows the new state.
function leave(dialog, href) {
  const to = new URL(href, location.href);
  forget(dialog);
  if (to.pathname === location.pathname && to.search === location.search) location.reload();
  else location.assign(to);
}

function wire(dialog) {
  const keepOpen = dialog.hasAttribute("data-keep-open");
  const guarded = dialog.hasAttribute("data-guard");

  if (guarded) {
    dialog.addEventListener("input", () => dialog.setAttribute("data-typed", ""));
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      close(dialog);
    });
  }
  dialog.addEventListener("cancel", (event) => {
    if (guarded) {
      event.preventDefault();
      close(dialog);
    }
    if (!keepOpen) return;
    event.preventDefault();
    if (unsaved(dialog)) show(dialog, "unsaved");
  });
  dialog.addEventListener("keydown", (event) => {
    // A second Esc closes a dialog without asking, unless the key itself is stopped.
    if (!keepOpen || event.key !== "Escape") return;
    event.preventDefault();
    if (unsaved(dialog)) show(dialog, "unsaved");
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && !keepOpen) close(dialog);
    if (event.target.closest("[data-discard]")) dialog.close();
    const button = event.target.closest("[data-show], [data-done], [data-leave], [data-close]");
    if (!button) return;
    const ask = "done" in button.dataset && unsaved(dialog);
    // A button of a form that need not ask sends it.
    if (button.form && !ask && !button.dataset.show) return;
    event.preventDefault();
    if (ask) show(dialog, "unsaved");
    else if (button.dataset.show) show(dialog, button.dataset.show);
    else if ("close" in button.dataset) close(dialog);
    else leave(dialog, button.href);
  });
  dialog.addEventListener("keyway:copied", () => dialog.setAttribute("data-copied", ""));
  dialog.addEventListener("copy", (event) => {
    if (event.target.closest?.("[data-secret]")) dialog.setAttribute("data-copied", "");
  });
  dialog.addEventListener("close", () => {
    forget(dialog);
    dialog.remove();
    if (opener?.isConnected) opener.focus();
  });
}

if (mount) {
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === mount && !mount.firstElementChild) {
      opener = openerOf(document.activeElement);
    }
  });
  // For a page that is loading; what comes later must be given the focus by hand.
  mount.addEventListener("htmx:beforeSwap", ({ detail }) => {
    detail.serverResponse = detail.serverResponse.replaceAll(" autofocus", " data-focus");
  });
  mount.addEventListener("htmx:afterSettle", (event) => {
    const dialog = mount.querySelector("dialog");
    if (dialog?.open) event.target.querySelector("[data-focus]")?.focus();
    if (!dialog || dialog.open) return;
    wire(dialog);
    dialog.showModal();
    show(dialog, "main");
  });
}

// A page with a secret leaves nothing behind, and does not come back from the cache with it.
addEventListener("pagehide", () => forget(document));
addEventListener("pageshow", (event) => {
  if (event.persisted && document.querySelector("[data-secret]")) location.reload();
});
