/**
 * A Stripe on loopback, for tests and demonstrations: it speaks the API version of the SDK for the objects that billing
 * uses, keeps its own clock, sends signed webhooks, and fails on demand.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Call } from "./internal/localStripe/calls.ts"
import type { Delivery, Flush, Receiver, Tamper } from "./internal/localStripe/deliveries.ts"
import type { Failing } from "./internal/localStripe/failures.ts"
import * as Program from "./internal/localStripe/program.ts"
import type { State } from "./internal/localStripe/state.ts"
import type { StripeEvent } from "./internal/localStripe/objects.ts"

export type { Call, Delivery, Failing, Flush, Receiver, State, StripeEvent, Tamper }

/**
 * How a local Stripe is started.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Milliseconds since 1970; the clock of the program that starts it, if left out, so the test's clock in tests. */
  readonly now?: () => number
  /** The port; a free one, if left out. */
  readonly port?: number
  /** The key that requests must show; `sk_test_local`, if left out. */
  readonly secretKey?: string
  /** What webhooks are signed with; `whsec_local`, if left out. */
  readonly webhookSecret?: string
  /** Where webhooks go; they are kept until there is such a place. */
  readonly webhookUrl?: string
  /** The same seed and the same requests give the same ids, events and failures; 1, if left out. */
  readonly seed?: number
  /** Where the state is kept from one start to the next; in memory alone, if left out. */
  readonly file?: string
}

/**
 * A local Stripe that runs.
 *
 * **Details**
 *
 * Whatever time has made due (renewals, ends of trials, payments tried again) is done before the next request is
 * answered, in order of time; `advance` does it at once. A customer on a test clock lives by that clock alone.
 *
 * @category services
 * @since 0.1.0
 */
export class LocalStripe extends Context.Service<
  LocalStripe,
  {
    /** `http://127.0.0.1:port`, for the `host`, `port` and `protocol` of the SDK; checkouts and portals live there too. */
    readonly url: string
    readonly secretKey: string
    readonly webhookSecret: string
    /** Its time, in milliseconds since 1970. */
    readonly now: () => number
    /** Moves the clock of everybody who is on no test clock, and does what is due; of no length, only that. */
    readonly advance: (duration: Duration.Input) => Effect.Effect<void>
    /** Every request to the API so far, in the order of their answers. */
    readonly calls: ReadonlyArray<Call>
    /** Every event so far, each with its object as it was then. */
    readonly events: ReadonlyArray<StripeEvent>
    /** A copy of everything that there is. */
    readonly objects: () => State
    readonly deliveries: {
      /** Where webhooks go: an address, or a function that answers with a status. Undefined: they are kept. */
      readonly to: (receiver: Receiver | undefined) => void
      /** `auto`: sent at once, again after a minute, two, four and so on, for three days. `held`: kept for `flush`. */
      readonly mode: (mode: "auto" | "held") => void
      /** Those that were not taken yet, oldest first. */
      readonly waiting: () => ReadonlyArray<Delivery>
      /** Sends all that wait, once, and those that come meanwhile; how many were taken, refused, and dropped. */
      readonly flush: (options?: Flush) => Effect.Effect<{ taken: number; refused: number; dropped: number }>
      /** Sends one event again, taken or not, changed as `tamper` says; answers with the receiver's status. */
      readonly send: (eventId: string, tamper?: Tamper) => Effect.Effect<number>
      /** Waits until nothing is on its way. */
      readonly settled: Effect.Effect<void>
    }
    /** Has requests to the API fail from now on; undefined ends it. */
    readonly failing: (failing: Failing | undefined) => void
    /** Is called before and after what a request does, and waited for. */
    readonly killPoints: (point: ((at: "before" | "after", call: Call) => Promise<void> | void) | undefined) => void
    /** Changes answers before they are sent, as a Stripe of another day might give them: an unknown status, say. */
    readonly rewriting: (rewrite: ((answer: { [field: string]: unknown }, call: Call) => void) | undefined) => void
    /**
     * What a person does on the page of a checkout: enters a card and subscribes. Answers with the address that the
     * browser is sent to; none when the page shows an error instead.
     */
    readonly pay: (checkout: string, card?: string) => Effect.Effect<string | undefined>
    /** What a person does on a page of the portal: sends its form. Answers as `pay`. */
    readonly submitPortal: (url: string, form?: Readonly<Record<string, string>>) => Effect.Effect<string | undefined>
  }
>()("@belfry/testing/LocalStripe") {}

/**
 * Cards for its pages: one that pays, one that is taken and then cannot be charged, one that is refused.
 *
 * @category models
 * @since 0.1.0
 */
export const cards = {
  pays: "4242424242424242",
  failsLater: "4000000000000341",
  declined: "4000000000000002",
} as const

/**
 * Starts a local Stripe that stops with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<LocalStripe["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const { program } = yield* Effect.acquireRelease(
      Effect.promise(() =>
        Program.start({
          now: options.now ?? (() => clock.currentTimeMillisUnsafe()),
          port: options.port ?? 0,
          secretKey: options.secretKey ?? "sk_test_local",
          webhookSecret: options.webhookSecret ?? "whsec_local",
          webhookUrl: options.webhookUrl,
          seed: options.seed ?? 1,
          file: options.file,
        }),
      ),
      ({ stop }) => Effect.promise(stop),
    )
    const { control, deliveries } = program
    return LocalStripe.of({
      url: program.url,
      secretKey: program.secretKey,
      webhookSecret: program.webhookSecret,
      now: control.now,
      advance: (duration) => Effect.sync(() => control.advance(Duration.toMillis(duration))),
      calls: program.calls,
      events: program.events,
      objects: control.objects,
      deliveries: {
        to: deliveries.to,
        mode: deliveries.setMode,
        waiting: deliveries.waiting,
        flush: (flush) => Effect.promise(() => deliveries.flush(flush)),
        send: (eventId, tamper) => Effect.promise(() => deliveries.send(eventId, tamper)),
        settled: Effect.promise(deliveries.settled),
      },
      failing: control.failing,
      killPoints: control.killPoints,
      rewriting: control.rewriting,
      pay: (checkout, card = cards.pays) => Effect.sync(() => control.pay(checkout, card)),
      submitPortal: (url, form = {}) => Effect.sync(() => control.submitPortal(url, form)),
    })
  })

/**
 * Layer of a local Stripe.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<LocalStripe> => Layer.effect(LocalStripe, make(options))
