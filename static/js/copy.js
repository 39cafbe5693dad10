// [data-copy="#id"] copies the value or the text of that element.
// Says so in the button and in the live region; the focus stays where it was.

const shown = new WeakMap();

function announce(text) {
  const live = document.getElementById("live");
  if (!live) return;
  live.textContent = "";
  setTimeout(() => (live.textContent = text), 50);
}

function select(source) {
  if (source.select) {
    source.focus();
    source.select();
  } else {
    getSelection().selectAllChildren(source);
  }
}

function done(button, source) {
  clearTimeout(shown.get(button));
  button.classList.add("is-copied");
  shown.set(
    button,
    setTimeout(() => button.classList.remove("is-copied"), 2000),
  );
  source.dispatchEvent(new CustomEvent("keyway:copied", { bubbles: true }));
  announce(`${button.dataset.copyName} copied`);
}

function refused(button, source) {
  select(source);
  const text = "Press Ctrl+C to copy";
  const hint = button.closest("[data-copy-box]")?.querySelector(".copy-hint");
  if (hint) {
    hint.textContent = text;
    hint.hidden = false;
  }
  announce(text);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const source = button && document.querySelector(button.dataset.copy);
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
    done(button, source);
  } catch {
    refused(button, source);
  }
});

function start(root) {
  for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.detail.elt));
