// The page's own script: keeps the session key, sends it with every request, and does what HTML alone cannot.
"use strict";

(() => {
  const KEY = "docassist-backup-key";
  // After so many milliseconds without a click names are hidden; the launcher counts them by itself.
  const IDLE = 15 * 60 * 1000;
  const element = (id) => document.getElementById(id);

  function lock(sentence, hint) {
    if (!element("locked")) return location.reload();
    element("opening").hidden = true;
    element("locked").hidden = false;
    if (sentence) element("locked-reason").textContent = sentence;
    if (hint) element("locked-hint").textContent = hint;
  }

  // A ticket is good for one use: exchange it, and take it out of the address before anything else can see it.
  async function spend(ticket) {
    history.replaceState(null, "", location.pathname + location.search);
    const answer = await fetch("/session", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept": "application/json" },
      body: JSON.stringify({ ticket }),
    });
    const document = await answer.json();
    if (answer.ok) sessionStorage.setItem(KEY, document.key);
    else sessionStorage.removeItem(KEY);
    return answer.ok ? null : document;
  }

  async function open() {
    const refusal = location.hash.startsWith("#t=") ? await spend(location.hash.slice(3)) : null;
    if (refusal) return lock(refusal.error, refusal.hint);
    if (!sessionStorage.getItem(KEY)) return lock();
    if (element("opening")) element("opening").hidden = false;
    await htmx.ajax("GET", location.pathname + location.search, { target: "#page", swap: "outerSync" });
  }

  // What was typed into a form and not saved, for as long as the page is locked before it could be.
  let typed = null;

  function keepTyped(event) {
    const form = event.target.form;
    if (form && "keep" in form.dataset) typed = { path: location.pathname, fields: [...new FormData(form)] };
  }

  function bringBackTyped() {
    const form = element("page").querySelector("form[data-keep]");
    if ("locked" in element("page").dataset) return;
    if (wasLocked && form && typed && typed.path === location.pathname) {
      const values = new Map(typed.fields);
      for (const field of form.elements) {
        if (field.type === "checkbox") field.checked = values.has(field.name);
        else if (field.type === "radio") field.checked = values.get(field.name) === field.value;
        else if (values.has(field.name)) field.value = values.get(field.name);
      }
    }
    typed = null;
  }

  // The pages can be chosen once the first is there: a click before that would be taken back by it.
  function letClick() {
    document.querySelector("nav")?.removeAttribute("inert");
  }

  let wasLocked = false;
  for (const kind of ["input", "change"]) document.addEventListener(kind, keepTyped);

  function settle() {
    bringBackTyped();
    wasLocked = "locked" in element("page").dataset;
    shown = new WeakMap();
    document.documentElement.dataset.theme = element("page").dataset.theme || "system";
    const room = element("page").dataset.room;
    letClick();
    for (const link of document.querySelectorAll("nav a[data-room]")) {
      if (link.dataset.room === room) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const wrong = element("page").querySelector("[aria-invalid]");
    if (wrong) wrong.focus();
    else element("page").focus({ preventScroll: true });
  }

  function backUpNow() {
    if (element("backup-now")) element("backup-now").click();
    else if (!("busy" in element("bar").dataset)) htmx.ajax("POST", "/backups", { target: "#page", swap: "none" });
  }

  // Only a person's click or key keeps the page unlocked, not what it asks for by itself.
  let clicked = false;
  let lastClick = Date.now();
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, (event) => {
      clicked ||= event.isTrusted;
      if (event.isTrusted) lastClick = Date.now();
    }, { capture: true, passive: true });
  }

  // As long as the launcher answers it hides the names itself; without it, the page does.
  function hideNames() {
    if (element("lost").hidden || Date.now() - lastClick < IDLE || element("page").dataset.room === "hidden") return;
    element("page").replaceChildren(element("nobody-here").content.cloneNode(true));
    element("page").dataset.room = "hidden";
    element("bar").replaceChildren(); // it goes on asking, and is filled again by the first answer
    document.title = "DocAssist Backup";
  }
  setInterval(hideNames, 5000);

  // A page that nobody sees asks for nothing, and for everything as soon as somebody looks at it again.
  document.addEventListener("every", (event) => document.hidden && event.stopImmediatePropagation(), { capture: true });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const part of document.querySelectorAll("[hx-trigger^=every]")) htmx.trigger(part, "every", {}, false);
  });

  // What a part that asks for itself again has shown last, as the server marked it: it need not be sent twice.
  let shown = new WeakMap();

  document.addEventListener("htmx:config:request", (event) => {
    const { request: { headers }, sourceElement } = event.detail.ctx;
    headers.Authorization = `Bearer ${sessionStorage.getItem(KEY)}`;
    if (clicked) headers["X-Clicked"] = "yes";
    clicked = false;
    const last = shown.get(sourceElement);
    if (last && last.path === sourceElement.getAttribute("hx-get")) headers["If-None-Match"] = last.mark;
  });

  document.addEventListener("htmx:after:request", (event) => {
    const { response, sourceElement } = event.detail.ctx;
    if (!sourceElement?.matches("[hx-trigger^=every]") || response.status === 304) return;
    shown.set(sourceElement, { path: sourceElement.getAttribute("hx-get"), mark: response.headers.get("ETag") ?? "" });
  });

  // The status bar hears first that the page is locked: then the page is asked for again, and comes without names.
  document.addEventListener("htmx:after:settle", (event) => {
    if (event.target.id !== "bar" || !("locked" in event.target.dataset)) return;
    if (!("locked" in element("page").dataset)) open();
  });

  document.addEventListener("htmx:after:request", (event) => {
    element("lost").hidden = true;
    if (event.detail.ctx.response.status === 401) sessionStorage.removeItem(KEY);
  });

  document.addEventListener("htmx:error", (event) => {
    letClick();
    if (event.detail.ctx && !event.detail.ctx.response) element("lost").hidden = false;
  });

  document.addEventListener("htmx:after:settle", (event) => {
    if (event.detail.task.type === "main" && event.target.id === "page") settle();
  });

  document.addEventListener("keydown", (event) => {
    const isShortcut = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "b";
    if (!isShortcut || event.repeat || event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    event.preventDefault();
    if (sessionStorage.getItem(KEY)) backUpNow();
  });

  // F1 opens the help, and so does "?" where nobody is typing.
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select");
    const help = document.querySelector("nav a[data-room=help]");
    if (!help || !sessionStorage.getItem(KEY) || (event.key !== "F1" && (event.key !== "?" || isTyping))) return;
    event.preventDefault();
    if (!help.closest("[inert]")) help.click();
  });

  // Copies the text of another element, and says so where it was clicked.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copies]");
    if (!button) return;
    await navigator.clipboard.writeText(element(button.dataset.copies).textContent);
    button.textContent = button.dataset.done;
  });

  // A menu closes as menus do: by Escape, or when something else is chosen.
  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
  }

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.menu"));
    if (event.target.closest("[data-print]")) window.print();
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest("details.menu[open]");
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  window.addEventListener("hashchange", () => location.hash.startsWith("#t=") && open());
  open();
})();
