/**
 * Kinds of values in `BELFRY_OAUTH_*`.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

interface Bounds {
  readonly minimum?: Duration.Duration
  readonly maximum?: Duration.Duration
}

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
