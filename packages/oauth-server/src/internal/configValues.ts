/**
 * Kinds of values in `BELFRY_OAUTH_*`.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

interface Bounds {
  readonly minimum?: Duration.Duration
  readonly maximum?: Duration.Duration
}

/** The parts of a list by commas, without the spaces around them. */
export const split = (text: string): ReadonlyArray<string> =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")

/** A list by commas. */
export const List = <A extends string>(item: Schema.ConstraintCodec<A, string>) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.Array(Schema.String), {
      decode: SchemaGetter.transform(split),
      encode: SchemaGetter.transform((items: ReadonlyArray<string>) => items.join(",")),
    }),
    Schema.decodeTo(Schema.Array(item)),
  )

/** One second to ten years, unless it says otherwise. */
export const isWithin = ({ minimum = Duration.seconds(1), maximum = Duration.days(3650) }: Bounds) =>
  Schema.makeFilter(Duration.between({ minimum, maximum }), {
    message: `Expected a duration of ${Duration.format(minimum)} to ${Duration.format(maximum)}`,
  })

export const lifetime = (name: string, byDefault: Duration.Duration, bounds: Bounds = {}) =>
  Config.schema(Schema.DurationFromString.check(isWithin(bounds)), name).pipe(Config.withDefault(byDefault))

export const choice = <const Values extends ReadonlyArray<string>>(
  name: string,
  values: Values,
  byDefault: Values[number],
) => Config.schema(Schema.Literals(values), name).pipe(Config.withDefault(byDefault))

export const boolean = (name: string, byDefault: boolean) => Config.Boolean(name).pipe(Config.withDefault(byDefault))
