/**
 * Load on an authorization server, from another process than the server's and the bench's: token requests by the same
 * client, authorizations with or without the exchange of the code, and chains of rotations.
 *
 * What one run brings to light, codes and tokens, can feed the next.
 */
import { createHash } from "node:crypto"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { redirectUri, resource } from "./contenders/oauthServer.ts"
import type { ClientCredentials, OAuthContestant } from "./contenders/oauthServer.ts"
import { run } from "./load.ts"
import type { LoadResult } from "./load.ts"
import { temporaryDirectory } from "./processes.ts"
import type { Cores } from "./processes.ts"

/** What every request of a run does. */
export type OAuthWork =
  /** Posts the bodies to `path`, in turns, or each `once`; each answer must contain a text. */
  | {
      readonly kind: "post"
      readonly path: string
      readonly authorization: string
      readonly bodies: ReadonlyArray<string>
      readonly once: boolean
      readonly mustContain: string
    }
  /** Authorizes as each person in turns; with `exchange`, a request goes on with that body and the code after it. */
  | {
      readonly kind: "code"
      readonly path: string
      readonly cookies: ReadonlyArray<string>
      readonly exchange?: { readonly path: string; readonly authorization: string; readonly body: string }
    }
  /** Rotates the tokens: posts the body and a token after it, and later the one that came back. */
  | {
      readonly kind: "refresh"
      readonly path: string
      readonly authorization: string
      readonly body: string
      readonly tokens: ReadonlyArray<string>
    }

/** A run of `oauthLoadClient.ts`. */
export interface OAuthLoad {
  readonly port: number
  readonly work: OAuthWork
  /** Each has one request at a time. */
  readonly connections: number
  /** Ends after that time, unless `requests` ends it before. */
  readonly seconds: number
  /** Ends after that many requests. */
  readonly requests?: number
}

/** What was issued: codes where they were not exchanged, or the tokens of each answer; after rotations, what each chain ends with. */
export interface Issued {
  readonly codes: ReadonlyArray<string>
  readonly accessTokens: ReadonlyArray<string>
  readonly refreshTokens: ReadonlyArray<string>
}

/** The result of a run. A request is a flow from the authorization to its tokens, where the work is such flows. */
export interface OAuthLoadResult extends LoadResult {
  readonly issued: Issued
  /** The first answer that was not what it should be. */
  readonly firstBadAnswer?: string
}

/** Verifier of all challenges by S256: no server can tell that it is the same. */
export const codeVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url")

/** Value of the `Authorization` header of a client: RFC 6749 §2.3.1. */
export const basic = ({ clientId, clientSecret }: ClientCredentials): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString("base64")}`

const form = (parameters: Readonly<Record<string, string | undefined>>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) search.append(name, value)
  return search.toString()
}

/** Path of the authorization of `web`: for the API, or for opaque tokens; `more` are further parameters. */
export const authorizationPath = (
  { clients, endpoints, opaqueScope, scope }: Pick<OAuthContestant, "clients" | "endpoints" | "opaqueScope" | "scope">,
  more: { readonly isOpaque?: boolean; readonly parameters?: Readonly<Record<string, string | undefined>> } = {},
): string =>
  `${endpoints.authorize}?${form({
    response_type: "code",
    client_id: clients.web.clientId,
    redirect_uri: redirectUri,
    scope: more.isOpaque === true ? opaqueScope : scope,
    resource: more.isOpaque === true ? undefined : resource,
    state: "af0ifjsldkj",
    code_challenge: codeChallenge,
    code_challenge_method: "S256",
    ...more.parameters,
  })}`

/** Body of a request for a token of `machine`. */
export const clientCredentialsBody = (scope: string): string =>
  form({ grant_type: "client_credentials", scope, resource })

/** Body of the exchange of a code, which goes at its end. */
export const exchangeBody = (isOpaque = false): string =>
  `${form({
    grant_type: "authorization_code",
    redirect_uri: redirectUri,
    code_verifier: codeVerifier,
    resource: isOpaque ? undefined : resource,
  })}&code=`

/** Body of a rotation, at whose end the token goes. */
export const refreshBody: string = `${form({ grant_type: "refresh_token", resource })}&refresh_token=`

/** Body of an introspection. */
export const introspectionBody = (token: string): string => form({ token, token_type_hint: "access_token" })

const program = join(import.meta.dirname, "oauthLoadClient.ts")

let directory: string | undefined
let files = 0

/** Puts load on `load.port` from another Node process. Fails when an answer was not what it should be. */
export const oauthLoad = async (cores: Cores | undefined, load: OAuthLoad): Promise<OAuthLoadResult> => {
  directory ??= temporaryDirectory("belfry-bench-oauth-")
  files += 1
  const [input, output] = [join(directory, `${files}.json`), join(directory, `${files}.out.json`)]
  writeFileSync(input, JSON.stringify(load))
  try {
    await run(cores?.others, process.execPath, [program, input, output])
    const result: OAuthLoadResult = JSON.parse(readFileSync(output, "utf8"))
    const failures = result.badAnswers + result.socketErrors + result.timeouts
    if (failures > 0) {
      const { issued: _, ...figures } = result
      throw new Error(
        `${failures} requests failed (${load.work.kind} at ${load.work.path}): ${JSON.stringify(figures)}`,
      )
    }
    return result
  } finally {
    rmSync(input)
    rmSync(output, { force: true })
  }
}
