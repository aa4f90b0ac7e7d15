/**
 * What a sign-in takes along, at rest: sealed, since the address where it leads may hold a token, such as that of an
 * invitation. It opens only for the attempt that it was sealed for.
 */
import type { Sealed } from "@belfry/core/KeyedHash"
import type { SealBroken, Sealer } from "@belfry/core/KeyRing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type SignInAttempt, SignInContext } from "../SignInAttempt.ts"
import type { RestingAttempt } from "../SignInAttemptStore.ts"

/** Seals and opens what attempts take along. */
export const make = (sealer: Sealer) => ({
  /** What the attempt takes along, sealed; null where that is nothing. */
  seal: ({ id, context }: Pick<SignInAttempt, "id" | "context">): Effect.Effect<Sealed | null> =>
    Object.keys(context).length === 0
      ? Effect.succeed(null)
      : // A context encodes, being of its type.
        Effect.flatMap(Effect.orDie(encode(context)), (text) => sealer.seal(Redacted.make(text), id)),
  /** The attempt with what it takes along in the open. */
  open: (attempt: RestingAttempt): Effect.Effect<SignInAttempt, SealBroken | Schema.SchemaError> =>
    attempt.context === null
      ? Effect.succeed({ ...attempt, context: {} })
      : sealer.open(attempt.context, attempt.id).pipe(
          Effect.flatMap((text) => decode(Redacted.value(text))),
          Effect.map((context) => ({ ...attempt, context })),
        ),
})

const ContextJson = Schema.fromJsonString(Schema.toCodecJson(SignInContext))

const encode = Schema.encodeEffect(ContextJson)
const decode = Schema.decodeEffect(ContextJson)
