/**
 * How the hosted pages look: the host's colours, roundness and logo.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"

/**
 * A CSS colour: hexadecimal, a name, or a function such as `oklch(62% 0.15 250)`.
 *
 * @see [CSS Color Module Level 4](https://www.w3.org/TR/css-color-4/)
 * @category schemas
 * @since 0.1.0
 */
export const CssColor = Schema.String.check(
  Schema.isPattern(
    /^(?:#[0-9a-f]{3,4}|#[0-9a-f]{6}|#[0-9a-f]{8}|[a-z]{3,30}|(?:rgb|hsl|hwb|lab|lch|oklab|oklch)\([0-9a-z.,%/ +-]{3,80}\))$/iu,
    { message: "Expected a CSS colour" },
  ),
)

/**
 * A colour for either scheme.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SchemeColor = Schema.Struct({ light: CssColor, dark: CssColor })

/**
 * How the hosted pages look.
 *
 * **Details**
 *
 * `accent` colours buttons and links, `onAccent` the text on buttons; each pair wants a contrast of 4.5 : 1, also of
 * `accent` on the ground (white; near-black in the dark). `radius` is a CSS length, the roundness of fields and
 * buttons. `logo` is a path of this site, an https URL or a `data:` image, shown 2 rem high beside nothing else: its
 * `alt` is the name it stands for. Without one the site's name is written.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Theme = Schema.Struct({
  accent: SchemeColor,
  onAccent: SchemeColor,
  radius: Schema.String.check(
    Schema.isPattern(/^(?:0|\d{0,3}(?:\.\d{1,3})?(?:px|rem|em))$/u, { message: "Expected a CSS length" }),
  ),
  logo: Schema.NullOr(
    Schema.Struct({
      src: Schema.String.check(
        Schema.isPattern(
          /^(?:\/(?![/\\])[^\s\p{Cc}"<>\\]*|https:\/\/[^\s\p{Cc}"<>\\;,]+|data:image\/(?:png|svg\+xml|webp|gif|jpeg)[;,][^\s\p{Cc}"<>\\]+)$/u,
          { message: "Expected a path, an https URL or a data: image" },
        ),
      ),
      alt: Schema.String,
    }),
  ),
})
/**
 * @category models
 * @since 0.1.0
 */
export interface Theme extends Schema.Schema.Type<typeof Theme> {}

/**
 * The look without a host's doing: calm blue.
 *
 * @category models
 * @since 0.1.0
 */
export const defaultTheme: Theme = {
  accent: { light: "#1d4ed8", dark: "#93b4ff" },
  onAccent: { light: "#ffffff", dark: "#0b1220" },
  radius: "0.5rem",
  logo: null,
}

/**
 * How the hosted pages look, unless the host provides another theme. Read once, when the pages are built.
 *
 * @category services
 * @since 0.1.0
 */
export const PageTheme = Context.Reference<Theme>("@belfry/server/PageTheme", { defaultValue: () => defaultTheme })

/**
 * The theme cannot be used: a value is of the wrong form.
 *
 * @category errors
 * @since 0.1.0
 */
export class PageThemeInvalid extends Schema.TaggedError<PageThemeInvalid>("@belfry/server/PageThemeInvalid")(
  "PageThemeInvalid",
  { issue: Schema.String },
) {
  override get message(): string {
    return `The theme of the pages cannot be used: ${this.issue}`
  }
}
