/**
 * What only the local Stripe can do: move time, hold and send webhooks, fail; from the same process and, below
 * `/_local/`, from others.
 */
import type { ServerResponse } from "node:http"
import * as Checkouts from "./checkoutSessions.ts"
import type { Deliveries } from "./deliveries.ts"
import type { Engine } from "./engine.ts"
import { Refusal } from "./errors.ts"
import type { Failing } from "./failures.ts"
import * as Portal from "./portal.ts"
import type { KillPoint, Rewrite } from "./server.ts"
import type { State } from "./state.ts"
import * as TestClocks from "./testClocks.ts"

export interface Control {
  readonly now: () => number
  readonly advance: (milliseconds: number) => void
  readonly objects: () => State
  readonly failing: (failing: Failing | undefined) => void
  readonly killPoints: (point: KillPoint | undefined) => void
  readonly rewriting: (rewrite: Rewrite | undefined) => void
  readonly pay: (checkout: string, card: string) => string | undefined
  readonly submitPortal: (url: string, form: { readonly [name: string]: string }) => string | undefined
  readonly deliveries: Deliveries
}

export const make = (options: {
  readonly engine: Engine
  readonly now: () => number
  readonly deliveries: Deliveries
  readonly onChange: () => void
  readonly setFailing: (failing: Failing | undefined) => void
  readonly setKillPoint: (point: KillPoint | undefined) => void
  readonly setRewrite: (rewrite: Rewrite | undefined) => void
}): Control => {
  const { engine } = options
  /** As a page does it: time first; refused is no address. */
  const onPage = (f: () => string): string | undefined => {
    TestClocks.catchUp(engine)
    try {
      return f()
    } catch (error) {
      if (error instanceof Refusal) return undefined
      throw error
    } finally {
      TestClocks.catchUp(engine)
      options.onChange()
    }
  }
  return {
    now: () => options.now() + engine.state.offset,
    advance: (milliseconds) => {
      engine.state.offset += milliseconds
      TestClocks.catchUp(engine)
      options.deliveries.pump()
      options.onChange()
    },
    objects: () => structuredClone(engine.state),
    failing: options.setFailing,
    killPoints: options.setKillPoint,
    rewriting: options.setRewrite,
    pay: (checkout, card) => onPage(() => Checkouts.pay(engine, idOf(checkout), card)),
    submitPortal: (url, form) => onPage(() => Portal.submit(engine, idOf(url), form)),
    deliveries: options.deliveries,
  }
}

/** Answers another process. Bodies are JSON. */
export const answer = async (
  control: Control,
  method: string,
  url: URL,
  body: string,
  response: ServerResponse,
): Promise<void> => {
  const send = (value: unknown, status = 200) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
  const given: unknown = body === "" ? {} : JSON.parse(body)
  const number = (name: string) => {
    const value = fieldOf(given, name)
    return typeof value === "number" ? value : undefined
  }
  switch (`${method} ${url.pathname.slice("/_local/".length)}`) {
    case "GET clock":
      return send({ now: control.now() })
    case "GET objects":
      return send(control.objects())
    case "POST advance":
      control.advance(number("milliseconds") ?? 0)
      return send({ now: control.now() })
    case "POST failing": {
      const rate = number("rate") ?? 0
      control.failing(rate === 0 ? undefined : { rate, seed: number("seed") ?? 1 })
      return send({})
    }
    case "POST deliveries":
      control.deliveries.setMode(fieldOf(given, "mode") === "held" ? "held" : "auto")
      return send({})
    case "POST flush": {
      const [shuffle, twice, drop] = [number("shuffle"), number("twice"), number("drop")]
      return send(
        await control.deliveries.flush({
          ...(shuffle === undefined ? {} : { shuffle }),
          ...(twice === undefined ? {} : { twice }),
          ...(drop === undefined ? {} : { drop }),
        }),
      )
    }
    case "POST settled":
      await control.deliveries.settled()
      return send({})
    default:
      return send({ error: "no such control" }, 404)
  }
}

// internal

/** The id at the end of an address, or the id itself. */
const idOf = (url: string) => url.split(/[?#]/u, 1)[0]?.split("/").at(-1) ?? url

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined
