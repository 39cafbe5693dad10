// Confirm your identity to continue: such a dialog is shown whatever the status of
// its answer, and a dialog with data-hide-after closes after so many idle seconds.

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.xhr.getResponseHeader("X-Confirmation")) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});

function hideLater(part) {
  if (part.dataset.wired) return;
  part.dataset.wired = "true";
  const dialog = part.closest("dialog");
  let timer;
  function hide() {
    for (const field of part.querySelectorAll("[data-secret]")) {
      field.value = "";
      field.removeAttribute("value");
    }
    if (dialog) dialog.close();
    else location.assign(part.dataset.hideTo);
  }
  function again() {
    clearTimeout(timer);
    timer = setTimeout(hide, Number(part.dataset.hideAfter) * 1000);
  }
  for (const kind of ["pointerdown", "keydown"]) part.addEventListener(kind, again);
  again();
}

function start(root) {
  for (const part of root.querySelectorAll("[data-hide-after]")) hideLater(part);
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.detail.elt));
