// <time data-local-time="relative|next|since|clock|date|datetime">: from UTC to the reader's own zone,
// with the full time in the title. Ages go on by themselves.

const locale = "en-GB";
const full = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "long" });
const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric" });
const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });

function date(at, now) {
  return (at.getFullYear() === now.getFullYear() ? shortDay : day).format(at);
}

function relative(at, now) {
  const seconds = (now - at) / 1000;
  const age = Math.abs(seconds);
  if (age < 45) return seconds < 0 ? "in a moment" : "just now";
  const [amount, unit] =
    age < 3570 ? [age / 60, "min"] : age < 84600 ? [age / 3600, "h"] : [age / 86400, "d"];
  if (unit === "d" && amount > 30) return date(at, now);
  const text = `${Math.max(1, Math.round(amount))} ${unit}`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

const styles = {
  relative,
  next: (at, now) => (at - now < 45000 ? "now" : relative(at, now)),
  since: (at, now) => (at.toDateString() === now.toDateString() ? clock.format(at) : date(at, now)),
  date: (at) => day.format(at),
  clock: (at) => clock.format(at),
  datetime: (at, now) => `${date(at, now)}, ${clock.format(at)}`,
};

function print(element, now) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const text = (styles[element.dataset.localTime] ?? styles.datetime)(at, now);
  if (element.textContent !== text) element.textContent = text;
  if (!element.title) element.title = full.format(at);
}

function run(root) {
  const now = new Date();
  if (root.matches?.("time[data-local-time]")) print(root, now);
  for (const element of root.querySelectorAll("time[data-local-time]")) print(element, now);
}

run(document);
document.addEventListener("htmx:load", (event) => run(event.detail.elt));
setInterval(() => document.hidden || run(document), 30000);
