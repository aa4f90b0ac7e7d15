/** An SMTP server that takes every message and keeps their number: where the mail of the organization bench goes. */
import * as FreePort from "@belfry/testing/FreePort"
import { file, startServer } from "./contender.ts"
import type { Context } from "./contender.ts"

/** A running mail server. */
export interface MailSink {
  readonly port: number
  /** How many messages it has taken so far. */
  readonly taken: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** Starts the mail server, on the cores of PostgreSQL and the load. */
export const startMailSink = async (context: Context): Promise<MailSink> => {
  const mailPort = await FreePort.find()
  const { port, process } = await startServer(
    context,
    {
      name: "mail",
      args: [file("scripts/bench/contenders/mailSinkServer.ts")],
      env: (port) => ({ PORT: String(port), MAIL_PORT: String(mailPort) }),
      readyPath: "/",
    },
    { cores: "others", pollEveryMillis: 20 },
  )
  const taken = async () => Number(await (await fetch(`http://127.0.0.1:${port}/`)).text())
  return { port: mailPort, taken, stop: () => process.stop() }
}
