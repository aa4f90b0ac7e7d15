/**
 * Webhooks: signed, sent, sent again; or kept, and sent out of order, twice or not at all.
 */
import { createHmac } from "node:crypto"
import type { Engine } from "./engine.ts"
import { generator, shuffled } from "./random.ts"
import type { Delivery } from "./state.ts"
import { day } from "./time.ts"

export type { Delivery }

/** A webhook on its way. */
export interface Webhook {
  readonly body: string
  readonly signature: string
}

/** Who gets webhooks: an address, or a function that answers with a status. */
export type Receiver = string | ((webhook: Webhook) => Promise<number>)

/** How what was kept is sent. */
export interface Flush {
  /** The order is that of this seed; the order of the events, if left out. */
  readonly shuffle?: number
  /** How many of one are sent twice, from 0 to 1. */
  readonly twice?: number
  /** How many of one are never sent, from 0 to 1. */
  readonly drop?: number
}

/** What is changed about a webhook before it is sent. */
export interface Tamper {
  /** Seconds that the time of the signature is off. */
  readonly age?: number
  /** Signed with another secret; several signatures with several. */
  readonly secrets?: ReadonlyArray<string>
  readonly apiVersion?: string
  readonly isLive?: boolean
  /** Changes the event before it is signed. */
  readonly event?: (event: { [field: string]: unknown }) => void
  /** Changes the body after it was signed. */
  readonly body?: (body: string) => string
}

export interface Deliveries {
  readonly to: (receiver: Receiver | undefined) => void
  readonly setMode: (mode: "auto" | "held") => void
  readonly waiting: () => ReadonlyArray<Delivery>
  readonly flush: (options?: Flush) => Promise<{ taken: number; refused: number; dropped: number }>
  readonly send: (eventId: string, tamper?: Tamper) => Promise<number>
  readonly settled: () => Promise<void>
  /** Sends what is due. */
  readonly pump: () => void
}

const concurrency = 4

export const make = (
  engine: Engine,
  options: { readonly secret: string; readonly onChange: () => void },
): Deliveries => {
  const { state } = engine
  const inFlight = new Set<string>()
  const idle = new Set<() => void>()
  let receiver: Receiver | undefined
  let mode: "auto" | "held" = "auto"
  // Of one event two copies may be on their way.
  let count = 0

  const sign = (eventId: string, tamper: Tamper): Webhook | undefined => {
    // Those that are sent are among the last.
    const found = state.events.findLast((event) => event.id === eventId)
    if (found === undefined) return undefined
    const event: { [field: string]: unknown } = { ...(tamper.event === undefined ? found : structuredClone(found)) }
    if (tamper.apiVersion !== undefined) event["api_version"] = tamper.apiVersion
    if (tamper.isLive !== undefined) event["livemode"] = tamper.isLive
    tamper.event?.(event)
    const body = JSON.stringify(event)
    const time = engine.hostTime() - (tamper.age ?? 0)
    const signatures = (tamper.secrets ?? [options.secret]).map(
      (secret) => `v1=${createHmac("sha256", secret).update(`${time}.${body}`).digest("hex")}`,
    )
    return { body: tamper.body?.(body) ?? body, signature: [`t=${time}`, ...signatures].join(",") }
  }

  const send = async (eventId: string, tamper: Tamper = {}): Promise<number> => {
    const webhook = sign(eventId, tamper)
    if (webhook === undefined || receiver === undefined) return 0
    try {
      return typeof receiver === "string" ? await post(receiver, webhook) : await receiver(webhook)
    } catch {
      // Not reached, or cut: it is sent again.
      return 0
    }
  }

  const attempt = async (delivery: Delivery): Promise<boolean> => {
    inFlight.add(delivery.eventId)
    count += 1
    const status = await send(delivery.eventId)
    count -= 1
    inFlight.delete(delivery.eventId)
    const isTaken = status >= 200 && status < 300
    delivery.attempts += 1
    if (isTaken) delivery.status = "taken"
    // A copy that was sent beside it was taken.
    else if (delivery.status !== "taken") {
      const created = state.events.findLast(({ id }) => id === delivery.eventId)?.created ?? 0
      delivery.nextAt = engine.time() + 60 * 2 ** Math.min(delivery.attempts - 1, 12)
      if (delivery.nextAt > created + 3 * day) delivery.status = "given-up"
    }
    options.onChange()
    if (count === 0) for (const tell of idle) tell()
    return isTaken
  }

  const waiting = () => Object.values(state.deliveries).filter(({ status }) => status === "waiting")

  const pump = () => {
    if (mode === "held" || receiver === undefined) return
    for (const delivery of waiting()) {
      if (count >= concurrency) return
      if (delivery.nextAt <= engine.time() && !inFlight.has(delivery.eventId)) void attempt(delivery).then(pump)
    }
  }

  const flush = async ({ drop = 0, shuffle, twice = 0 }: Flush = {}) => {
    const random = generator(shuffle ?? 1)
    const done = { taken: 0, refused: 0, dropped: 0 }
    const tried = new Set<string>()
    for (;;) {
      const fresh = waiting().filter(({ eventId }) => !tried.has(eventId))
      if (fresh.length === 0) return done
      const copies = fresh.flatMap((delivery) => {
        tried.add(delivery.eventId)
        if (random() < drop) {
          delivery.status = "dropped"
          done.dropped += 1
          return []
        }
        return random() < twice ? [delivery, delivery] : [delivery]
      })
      const queue = shuffle === undefined ? copies : shuffled(copies, random)
      const work = async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          if (await attempt(next)) done.taken += 1
          else done.refused += 1
        }
      }
      await Promise.all(Array.from({ length: concurrency }, work))
    }
  }

  return {
    to: (given) => {
      receiver = given
      pump()
    },
    setMode: (given) => {
      mode = given
      pump()
    },
    waiting,
    flush,
    send,
    settled: async () => {
      // What came by now is begun before it is waited for.
      await new Promise((resolve) => setImmediate(resolve))
      while (count > 0)
        await new Promise<void>((resolve) => {
          const tell = () => {
            idle.delete(tell)
            setImmediate(resolve)
          }
          idle.add(tell)
        })
    },
    pump: () => void setImmediate(pump),
  }
}

// internal

const post = async (url: string, { body, signature }: Webhook): Promise<number> => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8", "stripe-signature": signature },
    body,
    signal: AbortSignal.timeout(10_000),
    redirect: "manual",
  })
  await response.arrayBuffer()
  return response.status
}
