"use strict";
/* What makes pages handier; each works without it. Elements say by data-… what they want. */
(() => {
  const words = (element, name) => element.dataset[name] || "";

  /* Show or hide what is typed into a password field: the button stands hidden until a script can serve it. */
  for (const button of document.querySelectorAll("[data-reveals]")) {
    const field = document.getElementById(words(button, "reveals"));
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = field.type === "text";
      field.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
      button.textContent = words(button, shown ? "show" : "hide");
    });
    field.form.addEventListener("submit", () => { field.type = "password"; });
  }

  /* Say in words how long a new password is. */
  for (const verdict of document.querySelectorAll("[data-judges]")) {
    const field = document.getElementById(words(verdict, "judges"));
    field.addEventListener("input", () => {
      const length = [...field.value].length;
      verdict.textContent = length === 0 ? "" : words(verdict, length < 8 ? "short" : length < 15 ? "fair" : "good");
    });
  }

  /* Print this page. */
  for (const button of document.querySelectorAll("[data-prints]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  /* A form is sent once, however often its button is pressed. */
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    });
  }
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  /* A message's frame is as high as the message. */
  for (const frame of document.querySelectorAll("iframe[data-grows]")) {
    const grow = () => {
      const root = frame.contentDocument && frame.contentDocument.documentElement;
      if (root) frame.style.height = `${root.scrollHeight + 2}px`;
    };
    frame.addEventListener("load", grow);
    window.addEventListener("resize", grow);
    grow();
  }

  /* Before the session ends for want of a click, ask; once it has ended, leave nothing on the screen. */
  const idle = Number(document.body.dataset.idle);
  const dialog = document.getElementById("idle");
  if (idle && dialog) {
    const WARNING = 120;
    let timers = [];
    const leave = () => {
      const here = encodeURIComponent(window.location.pathname + window.location.search);
      window.location.replace(`/sign-in?done=idle&next=${here}`);
    };
    const start = () => {
      timers.forEach(clearTimeout);
      timers = [setTimeout(() => dialog.showModal(), (idle - WARNING) * 1000), setTimeout(leave, idle * 1000)];
    };
    const form = dialog.querySelector("form");
    const stay = () => {
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" })
        .then((answer) => (answer.status === 204 ? start() : leave()), leave);
      dialog.close();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      stay();
    }, { capture: true });
    /* Who types is there: that counts as a click, once a minute. */
    let told = Date.now();
    document.addEventListener("input", () => {
      if (Date.now() - told < 60000) return;
      told = Date.now();
      stay();
    });
    start();
  }

  /* After a form was sent back, the list of what is wrong is read first. */
  const wrong = document.querySelector(".notice.wrong[tabindex]");
  if (wrong) wrong.focus();
})();
