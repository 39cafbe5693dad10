// form[data-passkey="create"|"get"]: the server says what to sign (POST to data-begin), the browser
// asks the person, and the form is sent with the answer in its field "credential".

const WORDS = {
  InvalidStateError: "This device has a passkey of yours already.",
  NotAllowedError: "No passkey was used. Try again.",
  SecurityError: "The browser allows no passkey at this address. Open Keyway at its own address.",
};

async function ceremony(form) {
  const answer = await fetch(form.dataset.begin, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
  });
  if (!answer.ok || answer.redirected) {
    // The session ended, or the proof is too old: the page itself leads on.
    location.reload();
    return null;
  }
  const options = await answer.json();
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
      })
    : navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
      });
}

function release(button) {
  delete button.dataset.busy;
  button.removeAttribute("aria-disabled");
}

async function send(form, button, error) {
  error.textContent = "";
  if (!form.reportValidity()) return release(button);
  try {
    const credential = await ceremony(form);
    if (!credential) return;
    form.elements.credential.value = JSON.stringify(credential);
    // In a dialog htmx sends it, and the dialog goes on.
    if (form.closest("dialog")) form.dispatchEvent(new Event("passkey"));
    else form.submit();
  } catch (problem) {
    error.textContent = WORDS[problem.name] ?? "The passkey did not work. Try again.";
    release(button);
  }
}

function wire(form) {
  if (form.dataset.wired) return;
  form.dataset.wired = "true";
  const button = form.querySelector("[data-passkey-button]");
  const error = form.querySelector("[data-passkey-error]");
  if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    button.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, button, error);
    });
  } else if (!("passkeyOptional" in form.dataset)) {
    error.textContent = "This browser has no passkeys. Use another way or another browser.";
  }
}

function start(root) {
  for (const form of root.querySelectorAll("form[data-passkey]")) wire(form);
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.detail.elt));
