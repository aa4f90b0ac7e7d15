/**
 * HTML as a tagged template: whatever is put in is escaped for the place where it stands.
 *
 * Places are text and double-quoted attribute values. Anything else (an unquoted value, a tag name, a comment, a script)
 * is refused when the template is first used, so a template that a test renders is a template that is safe.
 *
 * @since 0.1.0
 */

const TypeId = "~@belfry/server/internal/html"

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
 * is a mistake of the template and never depends on the text that is put in.
 *
 * @see [HTML Standard §13.3](https://html.spec.whatwg.org/multipage/parsing.html#serialising-html-fragments)
 * @category constructors
 * @since 0.1.0
 */
export const html = (strings: TemplateStringsArray, ...values: ReadonlyArray<Interpolation>): Html => {
  const places = placesOf(strings)
  let text = strings[0] ?? ""
  for (const [index, value] of values.entries()) {
    text += interpolate(value, places[index]) + (strings[index + 1] ?? "")
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
export const isHtml = (value: unknown): value is Html => made.has(value)

// internal

/** What was made here: an object of the same shape from elsewhere (a parsed body, say) is not HTML. */
const made = new WeakSet<WeakKey>([empty]) as Pick<WeakSet<WeakKey>, "add"> & { has(value: unknown): boolean }

const make = (kind: Html[typeof TypeId], text: string): Html => {
  const result: Html = { [TypeId]: kind, text }
  made.add(result)
  return result
}

type Place = "text" | "value" | "tag"

const interpolate = (value: Interpolation, place: Place | undefined): string => {
  if (value === null || value === undefined || value === false) return place === "value" ? "" : ""
  if (isHtml(value)) {
    if (place === (value[TypeId] === "content" ? "text" : "tag")) return value.text
    throw new TypeError(`HTML (${value[TypeId]}) cannot stand here: ${place}`)
  }
  if (place === "tag" || place === undefined) throw new TypeError("Only attributes can stand inside a tag")
  if (typeof value === "string") return escape(value)
  if (typeof value === "number") return escape(String(value))
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

const known = new WeakMap<TemplateStringsArray, ReadonlyArray<Place>>()

/** Where each interpolation of a template stands, read once a template. */
const placesOf = (strings: TemplateStringsArray): ReadonlyArray<Place> => {
  const before = known.get(strings)
  if (before !== undefined) return before
  const places: Array<Place> = []
  let place: Place = "text"
  for (const [index, string] of strings.entries()) {
    place = placeAfter(string, place)
    if (index === strings.length - 1) break
    if (place === "tag" && !/[\w"]$/u.test(string)) {
      throw new TypeError("Inside a tag, attributes follow a name or a value without a space")
    }
    places.push(place)
  }
  if (place !== "text") throw new TypeError("The template ends inside a tag")
  known.set(strings, places)
  return places
}

const placeAfter = (string: string, start: Place): Place => {
  let place = start
  for (const [index, character] of [...string].entries()) {
    const rest = [...string].slice(index)
    switch (place) {
      case "text":
        if (character !== "<") break
        if (!/^<(?:!doctype |\/?[a-z])/iu.test(rest.join(""))) throw new TypeError("`<` that begins no tag")
        place = "tag"
        break
      case "tag":
        if (character === ">") place = "text"
        else if (character === '"') place = "value"
        else if (character === "'") throw new TypeError("Attribute values stand in double quotes")
        else if (character === "=" && rest[1] !== '"') throw new TypeError("Attribute values stand in double quotes")
        break
      case "value":
        if (character === '"') place = "tag"
        break
    }
  }
  return place
}
