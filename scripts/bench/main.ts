/**
 * Runs a bench: `npm run bench -- NAME [--json] [--rounds 3] [--duration 10] [--only a,b] [--no-fail]`.
 *
 * With `--json` the last line of stdout is the whole report as JSON. The exit code is 1 when a bar is not held, unless
 * `--no-fail` is given.
 */
import { parseArgs } from "node:util"
import { callbackBench } from "./callback.ts"
import { mcpBench } from "./mcp.ts"
import { oauthServerBench } from "./oauthServer.ts"
import { organizationBench } from "./organization.ts"
import { cleanUp } from "./processes.ts"
import type { Bench } from "./report.ts"
import { sessionBench } from "./session.ts"
import { signInBench } from "./signIn.ts"

const benches: ReadonlyArray<Bench> = [
  sessionBench,
  signInBench,
  callbackBench,
  oauthServerBench,
  organizationBench,
  mcpBench,
]

const usage = `Usage: npm run bench -- NAME [options]

Benches: ${benches.map((bench) => bench.name).join(", ")}

  --json          print the report as one line of JSON, last
  --rounds N      turns of each contender (3)
  --duration S    seconds of a turn (10; organization and mcp: 3)
  --only A,B      run these contenders only
  --measures A,B  measure these only (organization)
  --subject NAME  measure this contender against the bars instead of belfry
  --unpinned      let server, PostgreSQL and clients share all cores (not sign-in)
  --no-fail       exit with 0 even when a bar is not held
`

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const fail = (message: string): never => {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

const readArguments = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        rounds: { type: "string", default: "3" },
        duration: { type: "string" },
        only: { type: "string" },
        measures: { type: "string" },
        subject: { type: "string", default: "belfry" },
        unpinned: { type: "boolean", default: false },
        "no-fail": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    })
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  }
}

const positive = (name: string, value: string): number => {
  const number = Number(value)
  return Number.isInteger(number) && number > 0 ? number : fail(`--${name} wants a whole number above 0, not ${value}`)
}

// Without this an interrupted bench would leave its servers and their files behind.
process.on("exit", cleanUp)
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130))

const { positionals, values } = readArguments()
const bench = benches.find(({ name }) => name === positionals[0])
if (values.help || bench === undefined || positionals.length > 1) {
  process.stdout.write(usage)
  process.exit(values.help ? 0 : 2)
}

const report = await bench.run({
  rounds: positive("rounds", values.rounds),
  duration: positive("duration", values.duration ?? String(bench.duration ?? 10)),
  isPinned: !values.unpinned,
  only: values.only?.split(","),
  measures: values.measures?.split(","),
  subject: values.subject,
  print,
})
if (values.json) print(JSON.stringify(report))
if (!values["no-fail"] && report.bars.some((bar) => !bar.held)) process.exitCode = 1
