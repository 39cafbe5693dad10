// The service worker of /device/: the page without a connection, and notifications.
// `shell` {page, icon, files} is put before this by the server.

const name = "keyway-device";

async function fill() {
  const cache = await caches.open(name);
  const wanted = new Set([shell.page, ...shell.files].map((path) => new URL(path, location).href));
  for (const old of await cache.keys()) if (!wanted.has(old.url)) await cache.delete(old);
  await cache.addAll([...wanted].map((url) => new Request(url, { cache: "reload", credentials: "omit" })));
}

async function page(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) await (await caches.open(name)).put(shell.page, answer.clone());
    return answer;
  } catch (reason) {
    const old = await caches.match(shell.page);
    if (old) return old;
    throw reason;
  }
}

async function file(request) {
  try {
    return await fetch(request);
  } catch (reason) {
    const old = await caches.match(request);
    if (old) return old;
    throw reason;
  }
}

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === shell.page) event.respondWith(page(request));
  else if (shell.files.includes(url.pathname)) event.respondWith(file(request));
});

// The message names a request by its random id and says nothing of it.
self.addEventListener("push", (event) => {
  const tell = async () => {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const client of open) client.postMessage("look");
    await self.registration.showNotification("A request waits", {
      body: "Open Keyway to see who asks for what.",
      icon: shell.icon,
      tag: "keyway-request",
      renotify: true,
    });
  };
  event.waitUntil(tell());
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const open = async () => {
    const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const ours = all.find((client) => new URL(client.url).pathname === shell.page);
    return ours ? ours.focus() : self.clients.openWindow(shell.page);
  };
  event.waitUntil(open());
});
