/**
 * The script of every hosted page. Nothing needs it: it shows passwords on request and times in the reader's zone, and
 * sends a form once where a button is pressed twice: what the first one did would be lost behind the second's refusal.
 *
 * @since 0.1.0
 */
import { compact } from "./compact.ts"

/**
 * The script, as it is served. A classic script, loaded with `defer`.
 *
 * @category models
 * @since 0.1.0
 */
export const script = compact(`"use strict";
for (const box of document.querySelectorAll("[data-show]")) {
  const input = box.querySelector("input"), button = document.createElement("button"), { dataset } = box;
  const set = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? dataset.hide : dataset.show;
    button.setAttribute("aria-label", (shown ? dataset.hideHint : dataset.showHint));
  };
  button.type = "button";
  button.className = "plain";
  button.setAttribute("aria-controls", input.id);
  button.addEventListener("click", () => set(input.type === "password"));
  input.form.addEventListener("submit", () => set(false));
  set(false);
  box.append(button);
}
addEventListener("submit", (e) => {
  const form = e.target.dataset, now = Date.now();
  now - form.sent < 1e3 ? e.preventDefault() : form.sent = now;
});
for (const time of document.querySelectorAll("time")) {
  time.title = new Date(time.dateTime).toLocaleString(document.documentElement.lang, { dateStyle: "full", timeStyle: "short" });
}
`)
