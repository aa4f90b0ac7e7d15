#!/usr/bin/env node
/**
 * The command line: `belfry serve`, `belfry migrate`, `belfry doctor`, `belfry client`, `belfry user`.
 *
 * A failure is one line on standard error, and exit code 1. A server that is told to stop ends with 0.
 */
import { examine } from "@belfry/server/Doctor"
import * as NodeServer from "@belfry/server/NodeServer"
import { migrations } from "@belfry/server/Server"
import * as StartFailure from "@belfry/server/StartFailure"
import * as Telemetry from "@belfry/server/Telemetry"
import * as Database from "@belfry/sql/Database"
import * as Migrations from "@belfry/sql/Migrations"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { client, user } from "./manage.ts"

// A command that is interrupted has not done what it was asked for; a server that is told to stop has.
let codeOfStop = 130

const serve = Command.make("serve", {}, () =>
  Effect.gen(function* () {
    codeOfStop = 0
    const baseUrl = yield* Config.String("BELFRY_BASE_URL").pipe(Config.withDefault("http://localhost:3000"))
    const announce = Layer.effectDiscard(
      Effect.flatMap(NodeServer.address, (address) =>
        Console.log(`Belfry listens on ${address}. Open ${baseUrl}/sign-up`),
      ),
    )
    return yield* Layer.launch(
      announce.pipe(Layer.provide(NodeServer.layer), Layer.provide([Telemetry.layerOtlp, Telemetry.layerLogs])),
    )
  }),
).pipe(Command.withDescription("Serves the HTTP API and the pages; applies migrations first"))

const migrate = Command.make(
  "migrate",
  {
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Say what would be applied, and apply nothing"),
      Flag.withDefault(false),
    ),
  },
  ({ dryRun }) =>
    Effect.gen(function* () {
      const steps = dryRun
        ? (yield* Migrations.status(migrations)).filter(({ state }) => state === "pending")
        : yield* Migrations.run(migrations)
      if (steps.length === 0) return yield* Console.log("Nothing to apply")
      for (const step of steps) yield* Console.log(`${dryRun ? "pending" : "applied"} ${step.package}/${step.name}`)
    }).pipe(Effect.provide(Database.layerConfig)),
).pipe(Command.withDescription("Applies the migrations of every package that are not applied yet"))

const doctor = Command.make("doctor", {}, () =>
  Effect.gen(function* () {
    const findings = yield* examine
    for (const { check, state, found, advice } of findings) {
      yield* Console.log(`${marks[state]} ${check}: ${found}${advice === undefined ? "" : `\n  ${advice}`}`)
    }
    if (findings.some(({ state }) => state === "failed")) process.exitCode = 1
  }),
).pipe(Command.withDescription("Checks configuration, database and clock, and says what to mend"))

const marks = { ok: "ok     ", warning: "warning", failed: "FAILED " }

// What is wrong with the command itself was said by the command line, with its help.
const report = (cause: Cause.Cause<unknown>) =>
  Cause.hasInterruptsOnly(cause) || CliError.isCliError(Cause.squash(cause))
    ? Effect.void
    : Console.error(`belfry: ${StartFailure.describe(cause)}`)

Command.make("belfry").pipe(
  Command.withDescription("Authentication and authorization server"),
  Command.withSubcommands([serve, migrate, doctor, client, user]),
  Command.run({ version: "0.1.0" }),
  Effect.provide([NodeServices.layer, NodeCrypto.layer]),
  Effect.tapCause(report),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : Cause.hasInterruptsOnly(exit.cause) ? codeOfStop : 1),
  }),
)
