#!/usr/bin/env node
/**
 * The command line: `belfry serve`, `belfry migrate`, `belfry doctor`, `belfry client`, `belfry user`,
 * `belfry organization`, `belfry billing`.
 *
 * A failure is one line on standard error, and exit code 1. A server that is told to stop ends with 0.
 */
import * as StartFailure from "@belfry/server/StartFailure"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { client, user } from "./manage.ts"
import { billing } from "./manageBilling.ts"
import { organization } from "./manageOrganizations.ts"
import { run } from "./run.ts"

// A command that is interrupted has not done what it was asked for; a server that is told to stop has.
let codeOfStop = 130

const serve = Command.make("serve", {}, () =>
  run((commands) => {
    codeOfStop = 0
    return commands.serve
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
  (options) => run((commands) => commands.migrate(options)),
).pipe(Command.withDescription("Applies the migrations of every package that are not applied yet"))

const doctor = Command.make("doctor", {}, () => run((commands) => commands.doctor)).pipe(
  Command.withDescription("Checks configuration, database and clock, and says what to mend"),
)

// What is wrong with the command itself was said by the command line, with its help.
const report = (cause: Cause.Cause<unknown>) =>
  Cause.hasInterruptsOnly(cause) || CliError.isCliError(Cause.squash(cause))
    ? Effect.void
    : Console.error(`belfry: ${StartFailure.describe(cause)}`)

Command.make("belfry").pipe(
  Command.withDescription("Authentication and authorization server"),
  Command.withSubcommands([serve, migrate, doctor, client, user, organization, billing]),
  Command.run({ version: "0.1.0" }),
  Effect.provide([NodeServices.layer, NodeCrypto.layer]),
  Effect.tapCause(report),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : Cause.hasInterruptsOnly(exit.cause) ? codeOfStop : 1),
  }),
)
