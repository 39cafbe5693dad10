// A value that this page shows once: selecting it copies it, and a reload asks for the
// page itself instead of sending the form again.

const page = document.querySelector("[data-page-url]");
if (page) history.replaceState(null, "", page.dataset.pageUrl);

function copyOf(field) {
  return field.closest("[data-copy-box]")?.querySelector("[data-copy]");
}

for (const box of document.querySelectorAll("[data-copy-on-select]")) {
  const field = box.querySelector("input");
  const copy = () => copyOf(field)?.click();
  field.addEventListener("click", () => {
    field.select();
    copy();
  });
  field.addEventListener("keyup", () => {
    const all = field.selectionStart === 0 && field.selectionEnd === field.value.length;
    if (all && field.value) copy();
  });
}
