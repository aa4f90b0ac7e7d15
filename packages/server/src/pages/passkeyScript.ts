/**
 * The script of passkeys, for the pages that offer them. It shows their forms where the browser has WebAuthn, asks the
 * authenticator, and sends what that answers as an ordinary form, so that errors and redirects are pages.
 *
 * @see [WebAuthn Level 3 §5.1](https://www.w3.org/TR/webauthn-3/#iface-pkcredential)
 * @since 0.1.0
 */
import { compact } from "./compact.ts"

/**
 * The script, as it is served. A classic script, loaded with `defer`.
 *
 * **Details**
 *
 * A form `data-passkey="get"` or `"create"` names in `data-options` the endpoint that tells what to ask for. With
 * `data-autofill`, passkeys are also offered in the address field, for which the options are renewed before their
 * challenge is over. What is `data-no-passkey` goes where passkeys work.
 *
 * @category models
 * @since 0.1.0
 */
export const passkeyScript = compact(`"use strict";
(() => {
const Key = window.PublicKeyCredential;
if (!Key || !navigator.credentials) return;
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => buffer ? btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/[+]/g, "-").replace(/[/]/g, "_").replace(/=/g, "") : undefined;
const known = (list) => list && list.map((item) => ({ ...item, id: bytes(item.id) }));
const parse = (kind, o) => {
  const native = kind === "get" ? "parseRequestOptionsFromJSON" : "parseCreationOptionsFromJSON";
  return Key[native] ? Key[native](o) : {
    ...o, challenge: bytes(o.challenge), user: o.user && { ...o.user, id: bytes(o.user.id) },
    allowCredentials: known(o.allowCredentials), excludeCredentials: known(o.excludeCredentials),
  };
};
const json = (credential) => {
  try { return JSON.stringify(credential.toJSON()); } catch {}
  const { id, rawId, type, response: r } = credential;
  return JSON.stringify({ id, rawId: text(rawId), type, response: {
    clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject),
    authenticatorData: r.signature && text(r.authenticatorData), signature: text(r.signature), userHandle: text(r.userHandle),
    transports: r.getTransports && r.getTransports(),
  } });
};
for (const element of document.querySelectorAll("[data-no-passkey]")) element.hidden = true;
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const { passkey: kind, options: url, autofill, cancelled, exists, failed } = form.dataset;
  const status = form.querySelector("[role=status]"), button = form.querySelector("button");
  const wanted = form.elements.return_to;
  let waiting;
  const ask = async (more) => {
    const answer = await fetch(url, {
      method: "POST", signal: more.signal, headers: { "content-type": "application/json" },
      body: JSON.stringify(wanted ? { returnTo: wanted.value } : {}),
    });
    if (!answer.ok) throw new Error("options");
    const body = await answer.json();
    const credential = await navigator.credentials[kind]({ ...more, publicKey: parse(kind, body.options || body) });
    form.elements.response.value = json(credential);
    form.submit();
  };
  const offer = async () => {
    const controller = waiting = new AbortController();
    const renewal = setTimeout(() => { controller.abort(); offer(); }, 240000);
    controller.signal.addEventListener("abort", () => clearTimeout(renewal));
    try { await ask({ mediation: "conditional", signal: controller.signal }); } catch {}
  };
  const offers = autofill !== undefined && Key.isConditionalMediationAvailable
    ? Key.isConditionalMediationAvailable().catch(() => false) : Promise.resolve(false);
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    status.textContent = "";
    if (waiting) waiting.abort();
    try { await ask({}); }
    catch (error) {
      const { name } = error || {};
      status.textContent = name === "NotAllowedError" || name === "AbortError" ? cancelled : name === "InvalidStateError" ? exists : failed;
      if (await offers) offer();
    }
    button.disabled = false;
  });
  addEventListener("load", async () => { if (await offers && !button.disabled) offer(); });
}
})();
`)
