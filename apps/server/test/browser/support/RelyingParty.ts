/**
 * A client of the server on loopback: it sends people to sign in, and shows that they came back.
 *
 * It is another host than the server's, `127.0.0.1` and not `localhost`, so cookies and requests between them are
 * cross-site.
 */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import * as Http from "node:http"
import type { ServedSite } from "./ServedSite.ts"

/** The parameters of an answer, and how it came. */
export interface Answer {
  readonly method: string
  readonly parameters: Readonly<Record<string, string>>
}

/** What a client gets for a code. */
const Tokens = Schema.Struct({
  access_token: Schema.String,
  id_token: Schema.optionalKey(Schema.String),
  refresh_token: Schema.optionalKey(Schema.String),
  scope: Schema.optionalKey(Schema.String),
})
export type Tokens = typeof Tokens.Type

const Registered = Schema.Struct({ client_id: Schema.String, client_secret: Schema.optionalKey(Schema.String) })

/** Registers a client with metadata of RFC 7591. */
export const register = async (
  site: ServedSite,
  metadata: Readonly<Record<string, unknown>>,
): Promise<typeof Registered.Type> => {
  const response = await fetch(`${site.origin}/auth/oauth2/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: "openid profile email offline_access",
      ...metadata,
    }),
  })
  const body: unknown = await response.json()
  assert.strictEqual(response.status, 201, JSON.stringify(body))
  return Schema.decodeUnknownSync(Registered)(body)
}

/** Starts a server on loopback, and says where. */
export const listen = async (handle: Http.RequestListener) => {
  const server = Http.createServer(handle)
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("No port")
  return {
    origin: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, "close")
    },
  }
}

/** A client that registered itself, and runs. */
export class RelyingParty {
  readonly origin: string
  readonly site: ServedSite
  readonly stop: () => Promise<void>
  clientId = ""
  clientSecret = ""
  /** Where its callback sends people on, if it does. */
  onward: string | undefined
  private answered: Answer | undefined
  private verifier = ""

  private constructor(origin: string, site: ServedSite, stop: () => Promise<void>) {
    this.origin = origin
    this.site = site
    this.stop = stop
  }

  /** Starts a client and registers it under a name, with further metadata of RFC 7591. */
  static async start(
    site: ServedSite,
    name: string,
    metadata: Readonly<Record<string, unknown>> = {},
  ): Promise<RelyingParty> {
    const { origin, stop } = await listen((request, response) => void party.serve(request, response))
    const party: RelyingParty = new RelyingParty(origin, site, stop)
    const { client_id, client_secret = "" } = await register(site, {
      client_name: name,
      redirect_uris: [`${party.origin}/callback`],
      post_logout_redirect_uris: [`${party.origin}/bye`],
      token_endpoint_auth_method: "client_secret_basic",
      ...metadata,
    })
    party.clientId = client_id
    party.clientSecret = client_secret
    return party
  }

  /** Where it sends people to sign in. */
  begin(parameters: Readonly<Record<string, string>> = {}): string {
    this.verifier = randomBytes(32).toString("base64url")
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.clientId,
      redirect_uri: `${this.origin}/callback`,
      scope: "openid profile email",
      state: "the state",
      code_challenge: createHash("sha256").update(this.verifier).digest("base64url"),
      code_challenge_method: "S256",
      ...parameters,
    })
    return `${this.site.origin}/auth/oauth2/authorize?${query.toString()}`
  }

  /** Where it sends people to sign out. */
  end(parameters: Readonly<Record<string, string>> = {}): string {
    const query = new URLSearchParams({
      client_id: this.clientId,
      post_logout_redirect_uri: `${this.origin}/bye`,
      ...parameters,
    })
    return `${this.site.origin}/auth/oauth2/end-session?${query.toString()}`
  }

  /** The answer that came since the last time. */
  answer(): Answer {
    const answer = this.answered
    if (answer === undefined) throw new Error("No answer came")
    this.answered = undefined
    assert.strictEqual(answer.parameters["state"], "the state")
    assert.strictEqual(answer.parameters["iss"], `${this.site.origin}/auth`)
    return answer
  }

  /** Redeems the code of the answer that came. */
  async tokens(): Promise<Tokens> {
    const { code = "" } = this.answer().parameters
    const response = await fetch(`${this.site.origin}/auth/oauth2/token`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `Basic ${Buffer.from(`${this.clientId}:${this.clientSecret}`).toString("base64")}`,
      },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code,
        redirect_uri: `${this.origin}/callback`,
        code_verifier: this.verifier,
      }),
    })
    const body: unknown = await response.json()
    assert.strictEqual(response.status, 200, JSON.stringify(body))
    return Schema.decodeUnknownSync(Tokens)(body)
  }

  /** What the server says of the person. */
  async userInfo({ access_token: token }: Tokens): Promise<unknown> {
    const response = await fetch(`${this.site.origin}/auth/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.strictEqual(response.status, 200)
    return response.json()
  }

  private async serve(request: Http.IncomingMessage, response: Http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.origin)
    if (url.pathname === "/callback") {
      const chunks: Array<Uint8Array> = []
      for await (const chunk of request) chunks.push(chunk)
      const search =
        request.method === "POST" ? new URLSearchParams(Buffer.concat(chunks).toString()) : url.searchParams
      this.answered = { method: request.method ?? "", parameters: Object.fromEntries(search) }
      if (this.onward !== undefined) return void response.writeHead(303, { location: this.onward }).end()
    }
    const title = url.pathname === "/bye" ? "Good bye from the client" : "Back at the client"
    response.setHeader("content-type", "text/html")
    response.end(`<!doctype html><html lang="en"><title>Client</title><h1>${title}</h1>`)
  }
}
