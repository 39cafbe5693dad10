// Admin: Help. Calls go out with the session of whoever reads.

const place = document.querySelector("#api-docs");
const dark = matchMedia("(prefers-color-scheme: dark)");

function followTheme() {
  const theme = document.documentElement.dataset.theme;
  const isDark = theme === "dark" || (theme === "system" && dark.matches);
  document.documentElement.classList.toggle("dark-mode", isDark);
}

// Topics are found by any part of their name, in any case.
const findTopics = () => ({
  fn: {
    opsFilter: (topics, phrase) =>
      topics.filter((_, name) => name.toLowerCase().includes(phrase.toLowerCase())),
  },
});

const populateExample = (system) => ({
  wrapComponents: {
    RequestBodyEditor: (Original) => (props) => {
      const h = system.React.createElement;
      const populate = () => props.onChange(props.defaultValue);
      return h(
        "div",
        null,
        h("button", { type: "button", className: "btn", onClick: populate }, "Click to Populate Example"),
        h(Original, props),
      );
    },
  },
});

function sign(request) {
  if (new URL(request.url, location.href).origin === location.origin) {
    request.headers["X-CSRFToken"] = place.dataset.csrf;
  }
  return request;
}

followTheme();
dark.addEventListener("change", followTheme);
new MutationObserver(followTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: false,
  docExpansion: "list",
  filter: true,
  validatorUrl: null,
  defaultModelsExpandDepth: -1,
  requestInterceptor: sign,
  plugins: [findTopics, populateExample],
});
