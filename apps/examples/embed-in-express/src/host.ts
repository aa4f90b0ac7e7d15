/**
 * An Express application with Belfry inside: sign-in pages, API and all, on the same origin. There is no Effect in it.
 */
import { Web } from "@belfry/server"
import express from "express"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

/** What the routes know of whoever is signed in. */
interface SignedIn {
  readonly user: { readonly id: string; readonly name: string | null; readonly email: string }
}

/** Starts the application. All settings of Belfry come from the environment. */
export const start = async () => {
  const baseUrl = process.env["BELFRY_BASE_URL"] ?? "http://localhost:3000"
  const belfry = Web.make()
  const app = express().disable("x-powered-by")

  /** Asks Belfry who is signed in; what it refuses is refused in its own words. */
  const requireUser: express.RequestHandler = async (request, response, next) => {
    const { cookie, authorization } = request.headers
    const headers = { ...(cookie && { cookie }), ...(authorization && { authorization }) }
    const answer = await belfry.handler(new Request(`${baseUrl}/auth/session`, { headers }), peerOf(request))
    if (answer.status !== 200) return send(answer, response)
    // A session that is used lives on, and its cookie with it.
    for (const line of answer.headers.getSetCookie()) response.append("set-cookie", line)
    const { user }: SignedIn = JSON.parse(await answer.text())
    response.locals["user"] = user
    next()
  }

  /** A cookie goes along with whatever other sites make a browser do: who changes something says where it was made. */
  const requireSameOrigin: express.RequestHandler = (request, response, next) => {
    const site = request.get("sec-fetch-site")
    if (site === undefined ? request.get("origin") === baseUrl : site === "same-origin") next()
    else response.status(403).json({ error: "cross-origin" })
  }

  const notes: Array<string> = []
  app.get("/notes", requireUser, (_request, response) => {
    response.json({ reader: response.locals["user"].name, notes })
  })
  app.post("/notes", requireSameOrigin, requireUser, express.json(), (request, response) => {
    notes.push(String(request.body?.text))
    response.status(201).json({ notes })
  })

  // Whatever is not the application's own is Belfry's. No body parser stands before it.
  app.use(async (request, response) => {
    if (!request.originalUrl.startsWith("/")) return void response.sendStatus(400)
    await send(await belfry.handler(toRequest(request, baseUrl), peerOf(request)), response)
  })

  const port = Number(process.env["BELFRY_PORT"] ?? 3000)
  const server = await new Promise<ReturnType<typeof app.listen>>((resolve, reject) => {
    const listening = app.listen(port, "127.0.0.1", (error) => (error ? reject(error) : resolve(listening)))
  })
  // Fails here, and not with the first request, where a setting is wrong.
  await belfry.handler(new Request(`${baseUrl}/health/ready`))
  return {
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await belfry.dispose()
    },
  }
}

// Sessions show where they come from, and rate limits count by it.
const peerOf = (request: express.Request) => ({ peerAddress: request.socket.remoteAddress })

const toRequest = (request: express.Request, baseUrl: string): Request => {
  const headers = new Headers()
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const hasBody = request.method !== "GET" && request.method !== "HEAD"
  return new Request(`${baseUrl}${request.originalUrl}`, {
    method: request.method,
    headers,
    ...(hasBody ? { body: Readable.toWeb(request), duplex: "half" } : {}),
  })
}

const send = async (answer: Response, response: express.Response): Promise<void> => {
  response.status(answer.status)
  for (const [name, value] of answer.headers) response.appendHeader(name, value)
  if (answer.body === null) response.end()
  else await pipeline(Readable.fromWeb(answer.body), response)
}
