/**
 * The provider that people sign in with in the callback bench: minimal OpenID Connect in a process of its own, which
 * shares the cores of PostgreSQL and the load.
 *
 * Nobody logs in there: a code says itself whom it is for, and the bench makes it up, see {@link codeOf}.
 */
import { randomBytes } from "node:crypto"
import { file, startServer } from "./contender.ts"
import type { Contestant, Context, Size } from "./contender.ts"

/** A running provider, and the client that it knows. */
export interface Provider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly stop: () => Promise<void>
}

/** What a code stands for. */
export interface Grant {
  /** Who signs in: the `sub` of the ID token. */
  readonly subject: string
  readonly nonce: string | null
  /** Of method S256. */
  readonly codeChallenge: string
}

/** A contender that signs people in with the provider, ready for load. */
export interface ProviderContestant extends Contestant {
  /** The POST that begins a sign-in; it answers JSON with a `url` to open. */
  readonly signIn: { readonly path: string; readonly body: string }
  /** Name of the cookie that holds the session once somebody is signed in. */
  readonly sessionCookie: string
}

/** A way to sign people in with the provider. */
export interface ProviderContender {
  readonly name: string
  /** Makes and fills the database `database`, starts the server on it and waits until it is ready. */
  readonly start: (context: Context, database: string, size: Size, provider: Provider) => Promise<ProviderContestant>
}

/** Id of the provider at the contenders. */
export const providerId = "bench"

/** What the contenders ask the provider for. */
export const scopes: ReadonlyArray<string> = ["openid", "email", "profile", "offline_access"]

/** Where people go once they are signed in. */
export const target = "/account"

/** The URL of what the provider says about itself. */
export const discoveryUrlOf = ({ issuer }: Provider): string => `${issuer}/.well-known/openid-configuration`

/** The provider's code for a grant. */
export const codeOf = (grant: Grant): string => Buffer.from(JSON.stringify(grant)).toString("base64url")

/** Starts the provider. */
export const startProvider = async (context: Context): Promise<Provider> => {
  const clientId = "belfry-bench"
  const clientSecret = randomBytes(32).toString("base64url")
  const { port, process } = await startServer(
    context,
    {
      name: "provider",
      args: [file("scripts/bench/contenders/providerServer.ts")],
      env: (port) => ({ PORT: String(port), CLIENT_ID: clientId, CLIENT_SECRET: clientSecret }),
      readyPath: "/.well-known/openid-configuration",
    },
    { cores: "others", pollEveryMillis: 20 },
  )
  return { issuer: `http://127.0.0.1:${port}`, clientId, clientSecret, stop: () => process.stop() }
}
