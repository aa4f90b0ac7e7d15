/**
 * Keeps the layers of HTTP handlers small.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"

/**
 * A layer of handlers that sees the named services and no others.
 *
 * **Details**
 *
 * The platform copies what was in scope when handlers were built into the context of every request. In a server with
 * all its stores and services in scope, that is a good part of the cost of a request that does little.
 *
 * @category combinators
 * @since 0.1.0
 */
export const seeing = <const Keys extends ReadonlyArray<Context.Service.Any>>(...keys: Keys) => {
  const seen = new Set([Scope.Scope.key, Layer.CurrentMemoMap.key, ...keys.map(({ key }) => key)])
  const only = <R>(context: Context.Context<R>): Context.Context<R> =>
    Context.makeUnsafe(new Map([...context.mapUnsafe].filter(([key]) => seen.has(key))))
  return <A, E, R extends Context.Service.Identifier<Keys[number]>>(
    layer: Layer.Layer<A, E, R>,
  ): Layer.Layer<A, E, R> =>
    Layer.effectContext(
      Effect.flatMap(Effect.context<R | Scope.Scope>(), (context) =>
        // Everything the layer asks for is among the keys, as its type says.
        Effect.updateContext(Layer.build(layer), () => only(context)),
      ),
    )
}
