/**
 * Bench `sign-in`: what signing in with a password costs beyond Argon2id itself, and what it does to everybody else.
 *
 * Belfry signs in over HTTP, on a PostgreSQL that writes durably; the limit is a process that does nothing but Argon2id
 * at the same cost. Both have the same core for themselves; PostgreSQL and the clients have the others.
 */
import * as PasswordHasher from "@belfry/factors/PasswordHasher"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { availableParallelism } from "node:os"
import { costOf, deriveOnly } from "./contenders/argon2.ts"
import type { Argon2Cost } from "./contenders/argon2.ts"
import { startWithPasswords } from "./contenders/belfry.ts"
import type { Contestant, Context } from "./contenders/contender.ts"
import { disturbanceNote, isDisturbed, undisturbed } from "./disturbance.ts"
import type { Measured } from "./disturbance.ts"
import { clientAddress, clientLoad } from "./load.ts"
import type { Post } from "./load.ts"
import { median } from "./measures/median.ts"
import { measureSessionLatency } from "./measures/sessionLatency.ts"
import { countStatements } from "./measures/statements.ts"
import { installPeers } from "./peers.ts"
import { startPostgres } from "./postgres.ts"
import { detectCores, pinningNote, rssMb, temporaryDirectory } from "./processes.ts"
import type { Cores } from "./processes.ts"
import { atLeast, atMost, barsTable, round, table } from "./report.ts"
import type { Bench, ContenderReport, Options, Report } from "./report.ts"

const atOnce = 50
// What the compiler of the server needs to see before it takes the path for a hot one.
const warmUpSignIns = 2000
const warmUpSeconds = 3
const password = "correct horse battery staple"
const path = "/auth/sign-in/password"

// Ten sign-ins of an account and a hundred from an address are let through in a quarter of an hour. A core derives some
// forty a second, so that many accounts are enough for longer than the bench runs.
const usersPerCore = 10_000
const postsPerCoreAndSecond = 100

const hashOfPassword = (): Promise<string> =>
  Effect.runPromise(
    PasswordHasher.PasswordHasher.use((hasher) => hasher.hash(Redacted.make(password))).pipe(
      Effect.provide(PasswordHasher.layer()),
      Effect.provide(NodeCrypto.layer),
    ),
  )

/** The sign-in of a user, each from an address of its own. */
const postOf = (user: number): Post => ({
  body: JSON.stringify({ email: `user${user + 1}@example.com`, password }),
  forwardedFor: clientAddress(user),
})

/** The sign-ins of all users, of whom each run takes the next ones. */
const signInsOf = (cores: Cores | undefined, users: number) => {
  let next = 0
  const take = (count: number): ReadonlyArray<Post> => {
    const first = next
    next = (first + count) % users
    return Array.from({ length: count }, (_, index) => postOf((first + index) % users))
  }
  return async (
    port: number,
    run: { readonly seconds: number; readonly requests?: number; readonly connections: number },
  ) => {
    const posts = take(run.requests ?? Math.ceil(run.seconds * postsPerCoreAndSecond * availableParallelism()))
    const result = await clientLoad(cores, { port, path, cookies: [], posts, ...run, mustContain: '"session":{' })
    const failures = result.badAnswers + result.socketErrors + result.timeouts
    if (failures > 0) throw new Error(`${failures} sign-ins failed: ${JSON.stringify(result)}`)
    return result
  }
}

type SignIns = ReturnType<typeof signInsOf>

/** A turn of a contender. */
type Turn = Pick<ContenderReport, "rps" | "p50" | "p99" | "rssMb">

interface Participant {
  readonly name: string
  readonly takeTurn: () => Promise<Turn>
  readonly turns: Array<Measured<Turn>>
}

const belfryOf = (contestant: Contestant, signIns: SignIns, seconds: number): Participant => ({
  name: "belfry",
  takeTurn: async () => {
    const { port, process } = contestant
    await signIns(port, { connections: atOnce, seconds: warmUpSeconds })
    const result = await signIns(port, { connections: atOnce, seconds })
    return { rps: result.requests / result.seconds, p50: result.p50, p99: result.p99, rssMb: rssMb(process.pid) }
  },
  turns: [],
})

const limitOf = (cores: Cores | undefined, cost: Argon2Cost, seconds: number): Participant => ({
  name: "argon2id",
  takeTurn: () => deriveOnly(cores, { ...cost, atOnce, warmUpSeconds, seconds }),
  turns: [],
})

/** Lets the participants take turns; the order changes with every round. */
const compete = async (participants: ReadonlyArray<Participant>, { print, rounds }: Options): Promise<void> => {
  for (let number = 1; number <= rounds; number++) {
    for (const { name, takeTurn, turns } of number % 2 === 1 ? participants : participants.toReversed()) {
      const measured = await undisturbed(takeTurn)
      turns.push(measured)
      const note = disturbanceNote(measured)
      print(`  round ${number}  ${name.padEnd(15)} ${round(measured.value.rps)} a second${note}`)
    }
  }
}

const reportOf = ({ turns }: Participant, statementsPerRequest: number): ContenderReport => {
  const middle = (key: keyof Turn) => round(median(turns.map(({ value }) => value[key])))
  return { rps: middle("rps"), p50: middle("p50"), p99: middle("p99"), statementsPerRequest, rssMb: middle("rssMb") }
}

/**
 * The median of the ratio of two participants' rates over the rounds in which nothing disturbed either; NaN without
 * one: a program that slows down one of the two would make the ratio whatever it likes.
 */
const ratio = (one: Participant, other: Participant): number =>
  round(
    median(
      one.turns.flatMap((turn, index) => {
        const against = other.turns[index]
        return against === undefined || isDisturbed(turn) || isDisturbed(against)
          ? []
          : [turn.value.rps / against.value.rps]
      }),
    ),
  )

const measure = async (context: Context, options: Options): Promise<Report> => {
  const { cores } = context
  const { duration, print, rounds } = options
  const users = usersPerCore * availableParallelism()
  const hash = await hashOfPassword()
  const cost = costOf(hash)
  const contestant = await startWithPasswords(context, "belfry", { users, sessions: 10_000 }, hash)
  try {
    print(
      `PostgreSQL ${context.postgres.version}, Node ${process.version}, ${availableParallelism()} cores; ` +
        `${atOnce} sign-ins at a time; Argon2id with ${cost.memory} KiB, ${cost.passes} passes, ${cost.parallelism} lanes; ` +
        pinningNote(cores),
    )
    const signIns = signInsOf(cores, users)
    const { perRequest } = await countStatements(
      context.postgres,
      cores,
      contestant,
      async ({ port }, requests) =>
        () =>
          signIns(port, { connections: 1, seconds: 60, requests }),
      20,
    )
    await signIns(contestant.port, { connections: atOnce, seconds: 600, requests: warmUpSignIns })
    const belfry = belfryOf(contestant, signIns, duration)
    const limit = limitOf(cores, cost, duration)
    await compete([belfry, limit], options)
    const contenders = { belfry: reportOf(belfry, perRequest), argon2id: reportOf(limit, 0) }
    print("")
    print(
      table(
        ["contender", "a second", "p50 ms", "p99 ms", "SQL/request", "RSS MB"],
        Object.entries(contenders).map(([name, it]) => [
          name,
          ...[it.rps, it.p50, it.p99, it.statementsPerRequest, it.rssMb].map(String),
        ]),
      ),
    )
    print("\nGET /auth/session:")
    const latency = await measureSessionLatency(
      cores,
      contestant,
      (seconds) => signIns(contestant.port, { connections: atOnce, seconds }),
      {
        rounds,
        seconds: duration,
        onSlice: (number, kind, { p50, p99 }, note) =>
          print(`  round ${number}  ${kind.padEnd(15)} p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms${note}`),
      },
    )
    const ratios = {
      "belfry/argon2id": ratio(belfry, limit),
      "session p50 during sign-ins/idle": round(latency.growth.p50),
      "session p99 during sign-ins/idle": round(latency.growth.p99),
    }
    const bars = [
      atLeast("belfry/argon2id", 0.9, ratios["belfry/argon2id"]),
      atMost(`session p99 during ${atOnce} sign-ins, by idle p99`, 5, latency.growth.p99),
    ]
    print(`\n${barsTable(bars)}`)
    return { contenders, ratios, bars }
  } finally {
    await contestant.process.stop()
  }
}

const run = async (options: Options): Promise<Report> => {
  if (options.only !== undefined || options.subject !== "belfry") {
    throw new Error("the bench sign-in has one subject and one limit: it takes neither --only nor --subject")
  }
  installPeers()
  const cores = detectCores()
  const postgres = await startPostgres(cores, { isDurable: true })
  try {
    return await measure({ postgres, cores, logDirectory: temporaryDirectory("belfry-bench-logs-") }, options)
  } finally {
    await postgres.stop()
  }
}

/** The sign-in bench. */
export const signInBench: Bench = { name: "sign-in", run }
