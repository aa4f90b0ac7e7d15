/**
 * QR codes, drawn on the server: one path in a picture that scales.
 *
 * @see [ISO/IEC 18004:2024](https://www.iso.org/standard/83389.html)
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { html, type Html } from "./html.ts"

/**
 * The picture of a QR code with `text`. `label` says what it is to those who do not see it.
 *
 * **Details**
 *
 * Black on white in every scheme, with the quiet zone of four modules that readers need.
 *
 * @category parts
 * @since 0.1.0
 */
export const qrCode = (text: string, label: string): Effect.Effect<Html> =>
  Effect.map(
    // Few visits draw one.
    Effect.promise(() => import("uqr")),
    ({ encode }) => {
      const { data, size } = encode(text, { ecc: "M", border: 4 })
      return html`<svg
        class="qr"
        xmlns="http://www.w3.org/2000/svg"
        viewBox="0 0 ${size} ${size}"
        role="img"
        aria-label="${label}"
        shape-rendering="crispEdges"
      >
        <rect width="${size}" height="${size}" fill="#fff"></rect>
        <path fill="#000" d="${data.map(rowPath).join("")}"></path>
      </svg>`
    },
  )

// internal

/** The dark modules of a row, as rectangles of one module's height. */
const rowPath = (row: ReadonlyArray<boolean>, y: number): string => {
  let path = ""
  for (let x = 0; x < row.length; x++) {
    if (row[x] !== true) continue
    const start = x
    while (row[x] === true) x++
    path += `M${start} ${y}h${x - start}v1h${start - x}z`
  }
  return path
}
