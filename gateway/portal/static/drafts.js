"use strict";
/* What is being written keeps itself: words every few seconds, files as soon as they are chosen. The server answers with
   the part of the page that this has changed. Without a script, each form that is sent does the same. */
(() => {
  const EVERY = 4000;
  for (const form of document.querySelectorAll("form[data-drafts]")) {
    const [note, box, bar, stage, chosen, fault] =
      ["[data-saved]", "[data-sending]", "progress", "[data-stage]", "input[type=file]", "[data-too-large]"]
        .map((one) => form.querySelector(one));
    const part = () => form.querySelector("[data-part]");
    let typed = false;
    let saving = null;
    let leaving = false;

    /* Files that are too large together are not even sent. */
    const fits = () => {
      const octets = [...chosen.files].reduce((sum, file) => sum + file.size, Number(part().dataset.size));
      fault.hidden = !chosen.files.length || octets <= Number(fault.dataset.tooLarge);
      return fault.hidden;
    };

    const content = (files) => {
      const data = new FormData(form);
      data.set("save", "auto");
      if (!files) data.delete(chosen.name);
      return data;
    };

    const known = (request, files) => {
      const there = new URL(request.responseURL || form.action, window.location.href);
      if (request.status === 200 && there.pathname === new URL(form.action).pathname) {
        part().outerHTML = request.responseText.trim();
        if (files) chosen.value = "";
        note.textContent = part().dataset.said;
        window.history.replaceState(null, "", part().dataset.here);
      } else if (request.status === 200) { /* signed out: it is kept for its author, who signs in */
        window.location.assign(request.responseURL);
      } else {
        typed = true;
        note.textContent = note.dataset.lost;
      }
    };

    const save = () => {
      const files = chosen.files.length > 0 && fits();
      const request = new XMLHttpRequest();
      saving = new Promise((done) => {
        request.addEventListener("loadend", () => {
          saving = null;
          chosen.disabled = false;
          box.hidden = true;
          known(request, files);
          done();
        });
      });
      request.upload.addEventListener("progress", (sent) => {
        bar.value = Math.floor((100 * sent.loaded) / sent.total);
        stage.textContent = `${bar.value} %`;
      });
      request.open("POST", form.action);
      request.send(content(files));
      typed = false;
      chosen.disabled = files;
      box.hidden = !files;
    };

    const tick = () => { if (typed && !saving && !leaving) save(); };

    form.addEventListener("input", (event) => { typed = typed || event.target !== chosen; });
    chosen.addEventListener("change", () => {
      if (fits() && chosen.files.length) saving ? saving.then(save) : save();
    });
    setInterval(tick, EVERY);

    /* What is still being saved comes first, then the form is sent. */
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      if (fits() && !saving) {
        leaving = true;
        return;
      }
      event.preventDefault();
      delete form.dataset.sent;
      if (!fault.hidden) {
        fault.focus();
        return;
      }
      const { name, value } = event.submitter || {};
      saving.then(() => {
        const again = [...form.querySelectorAll("button")].find((one) => one.name === name && one.value === value);
        if (again && !leaving) form.requestSubmit(again);
      });
    });

    /* Who goes back, or closes the page, has typed it all the same: what is on its way may be cut off. */
    document.addEventListener("visibilitychange", () => { if (document.hidden) tick(); });
    window.addEventListener("pagehide", () => {
      if ((typed || saving) && !leaving) navigator.sendBeacon(form.action, content(false));
    });
    window.addEventListener("pageshow", () => { leaving = false; });
  }
})();
