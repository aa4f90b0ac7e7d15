/**
 * The script of the page with backup codes: it copies and prints them.
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
export const codesScript = compact(`"use strict";
for (const bar of document.querySelectorAll("[data-copy]")) {
  const add = (label, act) => {
    const button = document.createElement("button");
    button.className = "plain";
    button.textContent = label;
    button.addEventListener("click", act);
    bar.append(button);
  };
  const codes = () => Array.from(document.querySelectorAll("#codes li"), (item) => item.textContent.trim()).join("\\n");
  if (navigator.clipboard) add(bar.dataset.copy, async () => {
    await navigator.clipboard.writeText(codes());
    document.getElementById("copied").textContent = bar.dataset.copied;
  });
  add(bar.dataset.print, () => print());
}
`)
