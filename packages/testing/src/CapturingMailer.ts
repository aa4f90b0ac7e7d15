/**
 * A mailer that keeps messages in memory, for tests to read.
 *
 * @since 0.1.0
 */
import type { MailMessage } from "@belfry/core/Mail"
import { Mailer } from "@belfry/core/Mailer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * The messages that were sent.
 *
 * @category services
 * @since 0.1.0
 */
export class CapturingMailer extends Context.Service<
  CapturingMailer,
  {
    /** Every message that was sent and not taken, the oldest first. */
    readonly messages: Effect.Effect<ReadonlyArray<MailMessage>>
    /**
     * Removes the last message to an address, of one category if given, and returns it. A queue sends in the
     * background, so this waits for one: 5 seconds of real time, whatever the test's clock says. It dies when none
     * came.
     */
    readonly takeLast: (to: string, category?: string) => Effect.Effect<MailMessage>
  }
>()("@belfry/testing/CapturingMailer") {}

/**
 * Layer of the capturing mailer, as `Mailer` for the program and as `CapturingMailer` for the test.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Mailer | CapturingMailer> = Layer.effectContext(
  Effect.sync(() => {
    const kept: Array<MailMessage> = []
    const waiting = new Set<() => void>()

    const take = (to: string, category: string | undefined) => {
      const index = kept.findLastIndex(
        (message) => message.to === to && (category === undefined || message.category === category),
      )
      return index < 0 ? undefined : kept.splice(index, 1)[0]
    }

    const mailer = Mailer.of({
      send: (message) =>
        Effect.sync(() => {
          kept.push(message)
          for (const look of waiting) look()
        }),
    })

    const capturing = CapturingMailer.of({
      messages: Effect.sync(() => [...kept]),
      takeLast: (to, category) =>
        Effect.callback<MailMessage>((resume) => {
          const stop = () => {
            clearTimeout(timer)
            waiting.delete(look)
          }
          const look = () => {
            const message = take(to, category)
            if (message === undefined) return
            stop()
            resume(Effect.succeed(message))
          }
          const timer = setTimeout(() => {
            stop()
            resume(Effect.die(new Error(`No mail came: ${category ?? "any category"}`)))
          }, 5000)
          waiting.add(look)
          look()
          return Effect.sync(stop)
        }),
    })

    return Context.make(Mailer, mailer).pipe(Context.add(CapturingMailer, capturing))
  }),
)

/**
 * The first link in the text of a message. Throws when there is none.
 *
 * @category accessors
 * @since 0.1.0
 */
export const linkIn = (message: MailMessage): URL => {
  const link = /https?:\/\/[^\s<>"]+/u.exec(message.text)?.[0]
  if (link === undefined) throw new Error(`No link in the mail "${message.subject}"`)
  return new URL(link)
}
