/**
 * HTML as a tagged template: whatever is put in is escaped for the place where it stands.
 *
 * Places are text and double-quoted attribute values. Anything else (an unquoted value, a tag name, a comment, a
 * script) is refused when the template is first used, so a template that a test renders is a template that is safe.
 *
 * @since 0.1.0
 */

const TypeId = "~@belfry/server/pages/html"

/**
 * HTML that is safe to put into a page. Only {@link html} and {@link attributes} make it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Html {
  readonly [TypeId]: "content" | "attributes"
  readonly text: string
}

/**
 * What a template takes: text is escaped, lists are joined, nothing and `false` leave no trace.
 *
 * @category models
 * @since 0.1.0
 */
export type Interpolation = Html | string | number | null | undefined | false | ReadonlyArray<Interpolation>

/**
 * Makes HTML from a template.
 *
 * **Details**
 *
 * In text: strings, numbers, other HTML, lists of these. In a double-quoted attribute value: a string or a number.
 * Inside a tag, where a name would stand: {@link attributes}. Throws a `TypeError` for any other place or value, which
 * is a mistake of the template and never depends on the text that is put in. Indentation of the template is dropped.
 *
 * @see [HTML Standard §13.3](https://html.spec.whatwg.org/multipage/parsing.html#serialising-html-fragments)
 * @category constructors
 * @since 0.1.0
 */
export const html = (strings: TemplateStringsArray, ...values: ReadonlyArray<Interpolation>): Html => {
  const { texts, places } = read(strings)
  let text = texts[0] ?? ""
  for (const [index, value] of values.entries()) {
    text += interpolate(value, places[index]) + (texts[index + 1] ?? "")
  }
  return make("content", text)
}

/**
 * Attributes to put into a tag: text is quoted and escaped, `true` stands alone, `false` and nothing are left out.
 *
 * **Details**
 *
 * Begins with a space where there is any attribute. Throws a `TypeError` for names that are no lower-case attribute
 * names and for event handlers.
 *
 * @category constructors
 * @since 0.1.0
 */
export const attributes = (values: Readonly<Record<string, string | number | boolean | null | undefined>>): Html => {
  let text = ""
  for (const [name, value] of Object.entries(values)) {
    if (!/^[a-z][a-z0-9-]*$/u.test(name) || name.startsWith("on") || name === "style") {
      throw new TypeError(`Not an attribute for a page: ${name}`)
    }
    if (value === false || value === null || value === undefined) continue
    text += value === true ? ` ${name}` : ` ${name}="${escape(String(value))}"`
  }
  return make("attributes", text)
}

/**
 * No HTML at all.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty: Html = { [TypeId]: "content", text: "" }

/**
 * Tells HTML from text.
 *
 * @category guards
 * @since 0.1.0
 */
export const isHtml = (value: unknown): value is Html => typeof value === "object" && value !== null && made.has(value)

// internal

/** What was made here: an object of the same shape from elsewhere (a parsed body, say) is not HTML. */
const made = new WeakSet<object>([empty])

const make = (kind: Html[typeof TypeId], text: string): Html => {
  const result: Html = { [TypeId]: kind, text }
  made.add(result)
  return result
}

type Place = "text" | "value" | "tag"

const interpolate = (value: Interpolation, place: Place | undefined): string => {
  if (value === null || value === undefined || value === false) return ""
  if (isHtml(value)) {
    if (place === (value[TypeId] === "content" ? "text" : "tag")) return value.text
    throw new TypeError(`HTML (${value[TypeId]}) cannot stand here: ${place}`)
  }
  if (place === "tag" || place === undefined) throw new TypeError("Only attributes can stand inside a tag")
  if (typeof value === "string" || typeof value === "number") return escape(String(value))
  if (place === "text" && Array.isArray(value)) return value.map((item) => interpolate(item, place)).join("")
  throw new TypeError(`Neither text nor HTML: ${typeof value}`)
}

const escape = (text: string): string => text.replace(/[&<>"']/gu, (character) => entities[character] ?? character)

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

/** What is known of a template: its fixed parts without indentation, and where each interpolation stands. */
interface Template {
  readonly texts: ReadonlyArray<string>
  readonly places: ReadonlyArray<Place>
}

const templates = new WeakMap<TemplateStringsArray, Template>()

const read = (strings: TemplateStringsArray): Template => {
  const known = templates.get(strings)
  if (known !== undefined) return known
  const scanner = new Scanner()
  const places: Array<Place> = []
  for (const [index, string] of strings.entries()) {
    scanner.read(string)
    if (index < strings.length - 1) places.push(scanner.place)
  }
  if (scanner.place !== "text") throw new TypeError("The template ends inside a tag")
  const texts = strings.map((string) => string.replace(/\n\s*(?=>)/gu, "").replace(/\n\s*/gu, "\n"))
  const template = { texts, places }
  templates.set(strings, template)
  return template
}

/** Reads the fixed parts of a template one after the other and knows where it is. */
class Scanner {
  place: Place = "text"
  private tagName = ""

  read(string: string): void {
    for (let at = 0; at < string.length; at++) {
      const character = string[at]
      if (this.place === "value") {
        if (character === '"') this.place = "tag"
      } else if (this.place === "text") {
        if (character === "<") this.open(string.slice(at))
      } else if (character === '"' || character === "'" || character === "<") {
        throw new TypeError("Attribute values stand in double quotes")
      } else if (character === "=") {
        if (string[at + 1] !== '"') throw new TypeError("Attribute values stand in double quotes")
        this.place = "value"
        at++
      } else if (character === ">") {
        this.close(string.slice(at + 1))
      }
    }
  }

  private open(rest: string): void {
    const tag = /^<(?:!doctype|\/?([a-z][a-z0-9]*))(?=[\s>]|$)/iu.exec(rest)
    if (tag === null) throw new TypeError("`<` that begins no tag")
    this.tagName = rest.startsWith("</") ? "" : (tag[1] ?? "").toLowerCase()
    this.place = "tag"
  }

  private close(rest: string): void {
    this.place = "text"
    // Their content is not HTML, so escaping would not make it safe.
    if ((this.tagName === "script" || this.tagName === "style") && !rest.startsWith(`</${this.tagName}>`)) {
      throw new TypeError("Scripts and styles are files of their own")
    }
  }
}
