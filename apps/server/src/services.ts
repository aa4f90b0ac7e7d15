/**
 * What commands share: the services that they work with, users by address.
 */
import type { Email } from "@belfry/core/User"
import { Users } from "@belfry/core/Users"
import * as Server from "@belfry/server/Server"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { UserUnknown } from "./CommandError.ts"
import * as LocalStripe from "./localStripe.ts"

/** Provides every service of the server over the database of the configuration. Stripe need not be there. */
export const withServices = <A, E, R>(effect: Effect.Effect<A, E, R | Services>) =>
  Effect.flatMap(LocalStripe.sharing, (provider) =>
    effect.pipe(Effect.provide(services), Effect.provideService(ConfigProvider.ConfigProvider, provider)),
  )

/** The same for commands that ask Stripe: a local one runs meanwhile, if the configuration asks for that. */
export const withStripe = <A, E, R>(effect: Effect.Effect<A, E, R | Services>) =>
  withLocalStripe(Effect.provide(effect, services))

/** Has a local Stripe run meanwhile, if the configuration asks for one. */
export const withLocalStripe = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.scoped(
    Effect.flatMap(LocalStripe.commanding, (local) =>
      Option.match(local, {
        onNone: () => effect,
        onSome: ({ provider }) => Effect.provideService(effect, ConfigProvider.ConfigProvider, provider),
      }),
    ),
  )

/** Text that others chose: in quotes, and without what would tell a terminal what to do. */
export const quoted = (text: string): string =>
  JSON.stringify(text).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd")

/** The user of an address. */
export const userWith = Effect.fnUntraced(function* (email: Email) {
  const found = yield* Users.use((users) => users.findByEmail(email))
  return Option.isSome(found) ? found.value : yield* new UserUnknown()
})

// internal

const services = Layer.provideMerge(Server.layerServices, Server.layerDatabase)

type Services = Layer.Success<typeof services>
