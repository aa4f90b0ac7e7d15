/**
 * A way to PostgreSQL that a test can bar at a statement: just before the statement gets to the database, or when the
 * database did it and its answer has not got back.
 *
 * It reads as much of the protocol as that takes: messages have a type and a length, `Execute` or `Query` runs a
 * statement, and each `Sync` or `Query` is answered up to one `ReadyForQuery`, by when what was done is committed.
 *
 * @see [PostgreSQL, Frontend/Backend Protocol](https://www.postgresql.org/docs/current/protocol.html)
 */
import { Effect } from "effect"
import { once } from "node:events"
import * as Net from "node:net"

/** A moment in what a server does with its database; statements count from 1. */
export interface Moment {
  readonly statement: number
  readonly side: "before" | "after"
}

/** A database behind a bar. */
export interface DatabaseProxy {
  /** Where servers connect to. */
  readonly url: string
  /**
   * Counts statements from now on, and bars the way at a moment: from then on nothing passes either way. Resolves with
   * the statement, as soon as that is so.
   */
  readonly barAt: (moment: Moment) => Promise<string>
  /** Takes the bar away. Where it was down, connections have lost something, and are cut. */
  readonly open: () => void
}

/** Stands before the database of this URL until the scope closes. */
export const acquire = (databaseUrl: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => start(new URL(databaseUrl))),
      ({ stop }) => Effect.promise(stop),
    ),
    ({ proxy }) => proxy,
  )

// internal

/** What waits for its moment. */
interface Bar extends Moment {
  readonly reached: (statement: string) => void
}

/** A statement that is run, by its number among all; 0 is none. */
interface Statement {
  readonly number: number
  readonly text: string
}

const none: Statement = { number: 0, text: "" }

const start = async (target: URL) => {
  const sockets = new Set<Net.Socket>()
  let bar: Bar | undefined
  let count = 0
  let isBarred = false

  const barIfDue = (side: Moment["side"], { number, text }: Statement): void => {
    if (bar === undefined || bar.side !== side || bar.statement !== number) return
    isBarred = true
    bar.reached(text)
  }

  const relay = (server: Net.Socket): void => {
    const database = Net.connect(Number(target.port || 5432), target.hostname)
    for (const [socket, peer] of [
      [server, database],
      [database, server],
    ] as const) {
      sockets.add(socket)
      socket.setNoDelay(true)
      // The end of one of them is an end of both, and is told by `close` whatever it was.
      socket.on("error", () => {})
      socket.on("close", () => {
        sockets.delete(socket)
        peer.destroy()
      })
    }

    const texts = new Map<string, string>()
    const unanswered: Array<Statement> = []
    let current = none
    const run = (text: string): void => {
      current = { number: ++count, text }
      barIfDue("before", current)
    }
    eachMessage(server, { isFirstUntyped: true }, ({ type, body, bytes }) => {
      if (isBarred) return
      const [first = "", second = ""] = body.toString().split("\0", 2)
      if (type === "P") texts.set(first, second)
      else if (type === "B") current = { ...none, text: texts.get(second) ?? "" }
      else if (type === "E") run(current.text)
      else if (type === "Q") run(first)
      if (isBarred) return
      if (type === "S" || type === "Q") {
        unanswered.push(current)
        current = none
      }
      database.write(bytes)
    })

    let answer: Array<Buffer> = []
    eachMessage(database, { isFirstUntyped: false }, ({ type, bytes }) => {
      if (isBarred) return
      answer.push(bytes)
      // An answer is kept together, to be passed on or not.
      const done = type === "Z" ? unanswered.shift() : undefined
      if (done !== undefined) barIfDue("after", done)
      if (isBarred || (type !== "Z" && unanswered.length > 0)) return
      server.write(Buffer.concat(answer))
      answer = []
    })
  }

  const listener = Net.createServer(relay)
  listener.listen(0, "127.0.0.1")
  await once(listener, "listening")
  const address = listener.address()
  if (address === null || typeof address === "string") throw new Error("No port")
  const url = new URL(target)
  url.host = `127.0.0.1:${address.port}`
  url.searchParams.set("sslmode", "disable")

  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy: DatabaseProxy = {
    url: url.href,
    barAt: ({ side, statement }) =>
      new Promise((reached) => {
        bar = { side, statement: count + statement, reached }
      }),
    open: () => {
      if (isBarred) cut()
      bar = undefined
      isBarred = false
    },
  }
  const stop = async (): Promise<void> => {
    const closed = once(listener, "close")
    listener.close()
    cut()
    await closed
  }
  return { proxy, stop }
}

interface Message {
  /** Empty for the first message of a client. */
  readonly type: string
  readonly body: Buffer
  /** As it came. */
  readonly bytes: Buffer
}

const eachMessage = (
  socket: Net.Socket,
  { isFirstUntyped }: { readonly isFirstUntyped: boolean },
  take: (message: Message) => void,
): void => {
  let typeLength = isFirstUntyped ? 0 : 1
  let rest: Buffer = Buffer.alloc(0)
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= typeLength + 4) {
      const end = typeLength + rest.readInt32BE(typeLength)
      if (rest.length < end) return
      const type = rest.toString("latin1", 0, typeLength)
      take({ type, body: rest.subarray(typeLength + 4, end), bytes: rest.subarray(0, end) })
      rest = rest.subarray(end)
      typeLength = 1
    }
  })
}
