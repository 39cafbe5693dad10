// [data-combobox="/address/"] holds an input, a select that carries the value, and a listbox.
// Without this module the select is the control. The server searches; the focus stays in the input.

const wait = 150;
const quiet = 300;

function announce(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}

function wire(box) {
  const input = box.querySelector("[role=combobox]");
  const select = box.querySelector("select");
  const list = box.querySelector("[role=listbox]");
  const named = document.querySelector(box.dataset.nameField);
  let active = null;
  let timer = 0;
  let said = 0;
  let asked = 0;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const isOpen = () => list.matches(":popover-open");

  function mark(option) {
    active?.setAttribute("aria-selected", "false");
    active = option;
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function close() {
    clearTimeout(timer);
    asked += 1;
    mark(null);
    if (isOpen()) list.hidePopover();
    input.setAttribute("aria-expanded", "false");
  }

  function open() {
    const at = input.getBoundingClientRect();
    if (!isOpen()) list.showPopover();
    const below = innerHeight - at.bottom - 16;
    const above = below < 200 && at.top > below;
    list.style.left = `${at.left}px`;
    list.style.width = `${at.width}px`;
    list.style.maxHeight = `${Math.min(360, above ? at.top - 16 : below)}px`;
    list.style.top = above ? `${at.top - list.offsetHeight - 4}px` : `${at.bottom + 4}px`;
    input.setAttribute("aria-expanded", "true");
  }

  async function search(query, name = "") {
    const mine = (asked += 1);
    list.setAttribute("aria-busy", "true");
    const address = `${box.dataset.combobox}?${new URLSearchParams({ q: query, name })}`;
    const answer = await fetch(address).catch(() => null);
    if (mine !== asked) return null;
    list.removeAttribute("aria-busy");
    if (!answer?.ok || answer.redirected) return null;
    list.innerHTML = await answer.text();
    if (mine !== asked) return null;
    active = null;
    open();
    clearTimeout(said);
    const found = options().length;
    const noun = box.dataset.noun ?? "app";
    said = setTimeout(() => announce(`${found} ${noun}${found === 1 ? "" : "s"}`), quiet);
    return found;
  }

  // Nothing typed here yet: the name of the integration filters.
  const start = () => search("", input.value ? "" : (named?.value ?? ""));

  function set(value, text) {
    const before = select.value;
    select.value = value;
    input.value = text;
    if (select.value !== before) select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function take(option) {
    const { value, label } = option.dataset;
    // The list of the server may be longer than the select.
    if (![...select.options].some((o) => o.value === value)) select.add(new Option(label, value));
    set(value, label);
    input.removeAttribute("aria-invalid");
    close();
  }

  function move(by) {
    const all = options();
    if (!all.length) return;
    mark(all[(all.indexOf(active) + by + (active || by > 0 ? 0 : 1) + all.length) % all.length]);
  }

  input.addEventListener("input", () => {
    const typed = input.value;
    set("", typed);
    clearTimeout(timer);
    timer = setTimeout(() => search(typed), wait);
  });
  input.addEventListener("click", () => isOpen() || start());
  input.addEventListener("keydown", async (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen()) await start();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && isOpen()) {
      event.preventDefault();
      if (active) take(active);
    } else if (event.key === "Escape") {
      if (isOpen()) close();
      else set("", "");
    }
  });
  input.addEventListener("blur", () => {
    close();
    const text = input.value.trim().toLowerCase();
    const match = [...select.options].find((o) => o.value && o.text.toLowerCase() === text);
    if (match) set(match.value, match.text);
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  addEventListener("scroll", () => isOpen() && open(), { passive: true });

  const had = document.activeElement === select;
  if (select.value) input.value = select.selectedOptions[0].text;
  input.id = select.id;
  select.id = `${select.id}-value`;
  select.closest(".select").hidden = true;
  input.hidden = false;
  if (had) input.focus();
}

if (HTMLElement.prototype.showPopover) {
  for (const box of document.querySelectorAll("[data-combobox]")) wire(box);
  for (const form of document.querySelectorAll("[data-without-script]")) form.hidden = true;
}
