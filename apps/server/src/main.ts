#!/usr/bin/env node
/**
 * The command line.
 *
 * A failure is one line on standard error. Exit codes: 0 done, and for a server that it was told to stop; 1 refused, or
 * something was found to be mended; 2 the command itself is wrong, and its help is shown; 130 interrupted.
 */
import * as StartFailure from "@belfry/server/StartFailure"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { belfry } from "./belfry.ts"

// A command that is interrupted has not done what it was asked for; a server that is told to stop has.
let codeOfStop = 130
const whenServing = Effect.sync(() => {
  codeOfStop = 0
})

const isWrong = (cause: Cause.Cause<unknown>) => CliError.isCliError(Cause.squash(cause))

// What is wrong with the command itself was said by the command line, with its help.
const report = (cause: Cause.Cause<unknown>) =>
  Cause.hasInterruptsOnly(cause) || isWrong(cause)
    ? Effect.void
    : Console.error(`belfry: ${StartFailure.describe(cause)}`)

const codeOf = (cause: Cause.Cause<unknown>) => (Cause.hasInterruptsOnly(cause) ? codeOfStop : isWrong(cause) ? 2 : 1)

belfry(whenServing).pipe(
  Command.run({ version: "0.1.0" }),
  Effect.provide([NodeServices.layer, NodeCrypto.layer]),
  Effect.tapCause(report),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : codeOf(exit.cause)),
  }),
)
