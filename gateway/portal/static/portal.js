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

  /* After a form was sent back, the list of what is wrong is read first. */
  const wrong = document.querySelector(".notice.wrong[tabindex]");
  if (wrong) wrong.focus();
})();
