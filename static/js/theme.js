// The theme switch: the server reads the cookie, so the next page comes in the right colours.

const root = document.documentElement;

for (const box of document.querySelectorAll("[data-theme-switch]")) {
  box.hidden = false;
  box.addEventListener("change", (event) => {
    const theme = event.target.value;
    root.dataset.theme = theme;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax${secure}`;
  });
}
