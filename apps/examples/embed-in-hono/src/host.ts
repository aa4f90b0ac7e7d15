/**
 * A Hono application with Belfry inside: sign-in pages, API and all, on the same origin. There is no Effect in it.
 */
import { Web } from "@belfry/server"
import { serve, type ServerType } from "@hono/node-server"
import { getConnInfo } from "@hono/node-server/conninfo"
import { type Context, Hono, type MiddlewareHandler } from "hono"
import { bodyLimit } from "hono/body-limit"

/** What the routes know of whoever is signed in. */
interface SignedIn {
  readonly user: { readonly id: string; readonly name: string | null; readonly email: string }
}

type Environment = { Variables: SignedIn }

/** Starts the application. All settings of Belfry come from the environment. */
export const start = async () => {
  const baseUrl = process.env["BELFRY_BASE_URL"] ?? "http://localhost:3000"
  const belfry = Web.make()

  /** Asks Belfry who is signed in; what it refuses is refused in its own words. */
  const requireUser: MiddlewareHandler<Environment> = async (context, next) => {
    const headers = new Headers()
    for (const name of ["cookie", "authorization"]) {
      const value = context.req.header(name)
      if (value !== undefined) headers.set(name, value)
    }
    const answer = await belfry.handler(new Request(`${baseUrl}/auth/session`, { headers }), peerOf(context))
    if (answer.status !== 200) return answer
    const { user }: SignedIn = JSON.parse(await answer.text())
    context.set("user", user)
    await next()
    // A session that is used lives on, and its cookie with it.
    for (const line of answer.headers.getSetCookie()) context.header("set-cookie", line, { append: true })
    return undefined
  }

  /** A cookie goes along with whatever other sites make a browser do: who changes something says where it was made. */
  const requireSameOrigin: MiddlewareHandler = async (context, next) => {
    const site = context.req.header("sec-fetch-site")
    const isOwn = site === undefined ? context.req.header("origin") === baseUrl : site === "same-origin"
    if (!isOwn) return context.json({ error: "cross-origin" }, 403)
    return await next()
  }

  const notes: Array<string> = []
  const app = new Hono<Environment>()
    .get("/notes", requireUser, (context) => context.json({ reader: context.get("user").name, notes }))
    .post("/notes", requireSameOrigin, requireUser, bodyLimit({ maxSize: 65_536 }), async (context) => {
      notes.push(await context.req.text())
      return context.json({ notes }, 201)
    })
    // Whatever is not the application's own is Belfry's.
    .all("*", (context) => belfry.handler(context.req.raw, peerOf(context)))

  const port = Number(process.env["BELFRY_PORT"] ?? 3000)
  const server = await new Promise<ServerType>((resolve, reject) => {
    const listening = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, () => resolve(listening))
    listening.once("error", reject)
  })
  // Fails here, and not with the first request, where a setting is wrong.
  await belfry.handler(new Request(`${baseUrl}/health/ready`))
  return {
    stop: async () => {
      server.close()
      await belfry.dispose()
    },
  }
}

// Sessions show where they come from, and rate limits count by it.
const peerOf = (context: Context) => ({ peerAddress: getConnInfo(context).remote.address })
