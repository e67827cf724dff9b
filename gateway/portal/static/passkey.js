"use strict";
/* Passkeys: what the page asks of the browser, and what the browser answers, as the form's own fields. */
(() => {
  if (!window.PublicKeyCredential) return;

  const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: octets(one.id) }));

  const make = async (options) => {
    const asked = { ...options, challenge: octets(options.challenge), excludeCredentials: known(options.excludeCredentials) };
    asked.user = { ...options.user, id: octets(options.user.id) };
    const made = await navigator.credentials.create({ publicKey: asked });
    return answer(made, { attestationObject: text(made.response.attestationObject) });
  };

  const sign = async (options) => {
    const asked = { ...options, challenge: octets(options.challenge), allowCredentials: known(options.allowCredentials) };
    const signed = await navigator.credentials.get({ publicKey: asked });
    return answer(signed, {
      authenticatorData: text(signed.response.authenticatorData),
      signature: text(signed.response.signature),
      userHandle: signed.response.userHandle ? text(signed.response.userHandle) : null,
    });
  };

  const answer = (credential, response) =>
    JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response: { clientDataJSON: text(credential.response.clientDataJSON), ...response },
      clientExtensionResults: {},
    });

  /* `data-passkey` says what the form wants: "make", "sign", or "any", for which it first asks what is to be signed. */
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const kind = form.dataset.passkey;
    const failed = form.querySelector(":scope > [data-failed]");
    form.hidden = false;
    for (const hint of document.querySelectorAll("[data-without-passkeys]")) hint.hidden = true;
    form.addEventListener("submit", async (event) => {
      if (form.elements.passkey.value) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      failed.hidden = true;
      try {
        let options = form.dataset.options && JSON.parse(form.dataset.options);
        if (kind === "any") {
          const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
          const asked = await (await fetch("/sign-in/options", { method: "POST", body })).json();
          form.elements.state.value = asked.state;
          options = JSON.parse(asked.options);
        }
        form.elements.passkey.value = kind === "make" ? await make(options) : await sign(options);
        form.requestSubmit();
      } catch {
        failed.hidden = false;
      }
    }, { capture: true });
  }

  /* `data-proves`: a button within a form, which shows the account's passkey before the form is sent. */
  for (const place of document.querySelectorAll("[data-proves]")) {
    const [failed, shown] = ["[data-failed]", "[data-shown]"].map((one) => place.querySelector(one));
    place.hidden = false;
    for (const hint of place.closest("form").querySelectorAll("[data-without-passkeys]")) hint.hidden = true;
    place.querySelector("button").addEventListener("click", async () => {
      failed.hidden = true;
      try {
        place.closest("form").elements.proof.value = await sign(JSON.parse(place.dataset.options));
        shown.hidden = false;
      } catch {
        failed.hidden = false;
      }
    });
  }
})();
