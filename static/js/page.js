// What every page has: messages that can be dismissed, forms that are sent once,
// the focus on the error summary, and words for a request that failed.

function message(text) {
  const box = document.getElementById("failure");
  const messages = document.getElementById("messages");
  if (!box || !messages) return;
  messages.querySelector("[data-failure]")?.remove();
  const copy = box.content.cloneNode(true);
  copy.querySelector("[data-text]").textContent = text;
  messages.append(copy);
  start(messages);
}

function start(root) {
  for (const button of root.querySelectorAll(".dismiss[hidden]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  event.target.closest(".dismiss")?.closest(".message-box").remove();
});

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.method !== "post" || !button) return;
  // The page stays, so that the button would never be free again.
  if ("download" in event.target.dataset) return;
  if (button.dataset.busy) return event.preventDefault();
  button.dataset.busy = "true";
  button.setAttribute("aria-disabled", "true");
}, true);

function release() {
  for (const button of document.querySelectorAll("button[data-busy]")) {
    delete button.dataset.busy;
    button.removeAttribute("aria-disabled");
  }
}

document.addEventListener("htmx:afterRequest", release);
addEventListener("pageshow", release);

// The session ended: the answer is the page to sign in, which is no fragment.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo, elt } = event.detail;
  const answered = new URL(xhr.responseURL || location.href).pathname;
  const asked = new URL(pathInfo.requestPath, location.href).pathname;
  if (answered === asked || !/^\s*<!doctype/i.test(xhr.responseText)) return;
  event.detail.shouldSwap = false;
  if (elt.matches("[data-poll]")) location.reload();
  else location.assign(location.href);
});

document.addEventListener("htmx:sendError", (event) => {
  if (!event.detail.elt.matches("[data-poll]")) {
    message("This gateway did not answer. Check your connection, then try again.");
  }
});
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  message(
    status === 403
      ? "You are not allowed to do this, or the page is too old. Reload it, then try again."
      : status === 404
        ? "This no longer exists. Reload the page."
        : `This gateway answered with an error (${status}). Reload the page, then try again.`,
  );
});

start(document);
const summary = document.querySelector("[data-error-summary]");
if (summary) {
  summary.tabIndex = -1;
  summary.focus();
}
