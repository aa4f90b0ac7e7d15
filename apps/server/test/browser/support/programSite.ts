/**
 * Where a program of somebody's is: an address that browsers bring answers to, and its metadata document on https.
 */
import { clientMetadata } from "@belfry/testing/McpProgram"
import { once } from "node:events"
import * as Fs from "node:fs/promises"
import * as Https from "node:https"
import * as Os from "node:os"
import * as Path from "node:path"
import { selfSigned } from "./certificate.ts"
import { listen } from "./RelyingParty.ts"

/** A program that is reached. */
export interface ProgramSite {
  /** Where browsers come back to. */
  readonly redirectUrl: string
  /** The URL of its document, which is its client id. */
  readonly documentUrl: string
  /** What the server's environment needs to fetch that document: it is on this machine, and certifies itself. */
  readonly environment: Readonly<Record<string, string>>
  /** The answer that a browser brought last. */
  readonly answer: () => URL
  readonly stop: () => Promise<void>
}

/** Starts a program's site. */
export const start = async (): Promise<ProgramSite> => {
  let answer: URL | undefined
  const callback = await listen((request, response) => {
    answer = new URL(request.url ?? "/", callback.origin)
    response.setHeader("content-type", "text/html")
    response.end(`<!doctype html><html lang="en"><title>Program</title><h1>Back at the program</h1>`)
  })
  const redirectUrl = `${callback.origin}/callback`

  const certificate = selfSigned()
  const directory = await Fs.mkdtemp(Path.join(Os.tmpdir(), "belfry-program-"))
  const certificateFile = Path.join(directory, "certificate.pem")
  await Fs.writeFile(certificateFile, certificate.cert)
  const documents = Https.createServer(certificate, (_request, response) => {
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ client_id: documentUrl, ...clientMetadata(redirectUrl) }))
  }).listen(0)
  await once(documents, "listening")
  const address = documents.address()
  if (address === null || typeof address === "string") throw new Error("No port")
  const documentUrl = `https://localhost:${address.port}/program.json`

  return {
    redirectUrl,
    documentUrl,
    environment: { BELFRY_OUTBOUND_ALLOWED_HOSTS: "localhost", NODE_EXTRA_CA_CERTS: certificateFile },
    answer: () => {
      if (answer === undefined) throw new Error("No answer came")
      return answer
    },
    stop: async () => {
      await callback.stop()
      documents.close()
      documents.closeAllConnections()
      await once(documents, "close")
      await Fs.rm(directory, { recursive: true })
    },
  }
}
