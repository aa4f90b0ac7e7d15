/**
 * Kinds of values that settings have.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/**
 * Between which a duration has to be: one second and ten years, unless it says otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bounds {
  readonly minimum?: Duration.Duration
  readonly maximum?: Duration.Duration
}

/**
 * A check that a duration is within bounds, which says what they are.
 *
 * @category constructors
 * @since 0.1.0
 */
export const isWithin = ({ minimum = Duration.seconds(1), maximum = Duration.days(3650) }: Bounds) =>
  Schema.makeFilter(Duration.between({ minimum, maximum }), {
    message: `Expected a duration of ${Duration.format(minimum)} to ${Duration.format(maximum)}`,
  })

/**
 * A setting that is a duration (`90 days`).
 *
 * @category constructors
 * @since 0.1.0
 */
export const duration = (name: string, byDefault: Duration.Duration, bounds: Bounds = {}) =>
  Config.schema(Schema.DurationFromString.check(isWithin(bounds)), name).pipe(Config.withDefault(byDefault))

/**
 * A setting that is one of these words.
 *
 * @category constructors
 * @since 0.1.0
 */
export const choice = <const Values extends ReadonlyArray<string>>(
  name: string,
  values: Values,
  byDefault: Values[number],
) => Config.schema(Schema.Literals(values), name).pipe(Config.withDefault(byDefault))

/**
 * A setting that is yes or no.
 *
 * @category constructors
 * @since 0.1.0
 */
export const boolean = (name: string, byDefault: boolean) => Config.Boolean(name).pipe(Config.withDefault(byDefault))
