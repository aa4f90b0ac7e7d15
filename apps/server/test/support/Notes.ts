/**
 * An application and one person who uses it, over HTTP alone. What they have outlives the server's process.
 */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import type * as Cli from "./Cli.ts"
import { type Body, form, type Got, json, send, site } from "./send.ts"

/** What the token endpoint said. */
export interface Answer {
  readonly status: number
  readonly refreshToken: string | undefined
  readonly error: string | undefined
}

/** The application, for a server on whatever port. */
export interface Notes {
  /** Has the person send a code: a new grant. */
  readonly authorize: (port: number) => Promise<string>
  /** Exchanges a code; null where the connection broke. */
  readonly exchange: (port: number, code: string) => Promise<Answer | null>
  /** Uses a refresh token; null where the connection broke. */
  readonly refresh: (port: number, refreshToken: string) => Promise<Answer | null>
}

/** What a server needs in its environment: the application registers itself, and asks often. */
export const environment = { BELFRY_OAUTH_REGISTRATION: "open", BELFRY_OAUTH_RATE_LIMITS: "false" }

/** Signs the person up by the mail that the server prints, registers the application, and lets it in for good. */
export const start = async ({ port, says }: Cli.Running & { readonly port: number }): Promise<Notes> => {
  const cookies = new Map<string, string>()
  const visit = async (port: number, path: string, body?: Body): Promise<Got> => {
    const cookie = [...cookies].map((pair) => pair.join("=")).join("; ")
    const got = await send(port, path, { cookie, origin: site }, body)
    for (const [, name = "", value = ""] of got.cookies.map((text) => /^([^=]+)=([^;]*)/.exec(text) ?? [])) {
      cookies.set(name, value)
    }
    return got
  }
  const password = "correct horse battery staple"
  await visit(port, "/auth/sign-up/password", json({ email: "ada@example.com", password }))
  const [, token] = await says(/\?token=(\S+)/)
  await visit(port, "/auth/sign-up/password/confirm", json({ token, password }))

  const { text } = await send(port, "/auth/oauth2/register", {}, json(metadata))
  const { client_id } = Schema.decodeUnknownSync(Client)(JSON.parse(text))
  const query = new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri: redirectUri,
    scope: metadata.scope,
    code_challenge: challenge,
    code_challenge_method: "S256",
  })
  const authorize = (port: number) => visit(port, `/auth/oauth2/authorize?${query.toString()}`)
  const asked = await authorize(port)
  const request = asked.location?.searchParams.get("request") ?? assert.fail(asked.text)
  await visit(port, "/auth/oauth2/consent", form({ request, accept: "true" }))

  const ask = (port: number, fields: Readonly<Record<string, string>>): Promise<Answer | null> =>
    send(port, "/auth/oauth2/token", {}, form({ client_id, ...fields })).then(
      ({ status, text }) => {
        const { error, refresh_token } = Schema.decodeUnknownSync(TokenAnswer)(JSON.parse(text))
        return { status, error, refreshToken: refresh_token }
      },
      () => null,
    )
  return {
    authorize: async (port) => {
      const { location, text } = await authorize(port)
      return location?.searchParams.get("code") ?? assert.fail(text)
    },
    exchange: (port, code) =>
      ask(port, { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier }),
    refresh: (port, refreshToken) => ask(port, { grant_type: "refresh_token", refresh_token: refreshToken }),
  }
}

// internal

const redirectUri = "https://notes.example/callback"

const metadata = {
  client_name: "Notes",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: "none",
  scope: "openid offline_access",
}

// RFC 7636, appendix B.
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

const Client = Schema.Struct({ client_id: Schema.String })

const TokenAnswer = Schema.Struct({
  refresh_token: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(Schema.String),
})
