// A slider with data-range tells its value in the output beside it while it moves.

document.addEventListener("input", (event) => {
  const slider = event.target.closest("[data-range]");
  const shown = slider?.closest(".range-line")?.querySelector("[data-range-value]");
  if (shown) shown.textContent = slider.value;
});
