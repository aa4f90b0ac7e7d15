/**
 * Settings that are lists, written in one line with commas.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

/**
 * The items of a list, without the spaces around them. Nothing between two commas is no item.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")

/**
 * A list whose items are read by a schema.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ConfigList = <A extends string>(item: Schema.ConstraintCodec<A, string>) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.Array(Schema.String), {
      decode: SchemaGetter.transform(parse),
      encode: SchemaGetter.transform((items: ReadonlyArray<string>) => items.join(",")),
    }),
    Schema.decodeTo(Schema.Array(item)),
  )

/**
 * The list of a setting; empty where it is not set.
 *
 * @category config
 * @since 0.1.0
 */
export const config = (setting: string): Config.Config<ReadonlyArray<string>> =>
  Config.String(setting).pipe(Config.withDefault(""), Config.map(parse))
