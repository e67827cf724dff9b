"use strict";
/* How far a message with files has been sent. Without it, the browser's own way of showing that does. */
(() => {
  for (const form of document.querySelectorAll("form[data-uploads]")) {
    const box = form.querySelector("[data-sending]");
    const bar = box.querySelector("progress");
    const stage = box.querySelector("[data-stage]");
    const fault = form.querySelector("[data-too-large]");
    const octets = () => [...form.querySelectorAll("input[type=file]")]
      .flatMap((field) => [...field.files]).reduce((sum, file) => sum + file.size, 0);
    const look = () => { fault.hidden = octets() <= Number(fault.dataset.tooLarge); };
    form.addEventListener("change", look);
    form.addEventListener("submit", (event) => {
      look();
      if (!fault.hidden) {
        event.preventDefault();
        event.stopImmediatePropagation();
        delete form.dataset.sent;
        form.querySelector("input[type=file]").focus();
      }
    }, { capture: true });
    form.addEventListener("submit", (event) => {
      const files = [...form.querySelectorAll("input[type=file]")].some((field) => field.files.length > 0);
      if (!files || event.defaultPrevented || (event.submitter && event.submitter.name)) return;
      event.preventDefault();
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.upload.addEventListener("progress", (sent) => {
        const share = Math.floor((100 * sent.loaded) / sent.total);
        bar.value = share;
        stage.textContent = `${share} %`;
      });
      /* The answer is a page: the one that was sent back, or the next. */
      request.addEventListener("load", () => {
        if (request.status === 200) {
          window.location.assign(request.responseURL);
          return;
        }
        document.open();
        document.write(request.responseText);
        document.close();
      });
      request.addEventListener("error", () => form.submit());
      box.hidden = false;
      request.send(new FormData(form));
    });
  }
})();
