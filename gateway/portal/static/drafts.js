"use strict";
/* What is typed is saved every few seconds as a draft, and when the page is left. Without it, each form that is sent does. */
(() => {
  const EVERY = 4000;
  for (const form of document.querySelectorAll("form[data-drafts]")) {
    const note = form.querySelector("[data-saved]");
    let typed = false;
    let saving = false;
    const words = () => {
      const data = new FormData(form);
      data.delete("attachments");
      data.set("save", "auto");
      return data;
    };
    const known = (saved) => {
      form.elements.writing.value = saved.writing;
      form.elements.version.value = saved.version;
      const here = new URL(window.location.href);
      here.search = `?draft=${saved.id}`;
      window.history.replaceState(null, "", here);
      note.textContent = saved.is_apart ? note.dataset.apart : note.dataset.done;
    };
    const save = () => {
      if (!typed || saving || form.dataset.sent) return;
      [typed, saving] = [false, true];
      fetch(form.action, { method: "POST", body: words(), redirect: "manual" })
        .then((answer) => (answer.ok ? answer.json().then(known) : Promise.reject(answer.status)))
        .catch(() => { typed = true; note.textContent = note.dataset.lost; })
        .finally(() => { saving = false; });
    };
    form.addEventListener("input", () => { typed = true; });
    setInterval(save, EVERY);
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); });
    window.addEventListener("pagehide", () => {
      if (typed && !form.dataset.sent) navigator.sendBeacon(form.action, words());
    });
  }
})();
