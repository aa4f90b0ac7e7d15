/**
 * Another site where people have accounts: panva's oidc-provider on loopback, with its own login and consent pages.
 *
 * It is another host than the server's, `127.0.0.1` and not `localhost`, so cookies and requests between them are
 * cross-site.
 */
import { vi } from "@effect/vitest"
import { Provider } from "oidc-provider"
import { generateKeyPairSync, randomBytes } from "node:crypto"
import { once } from "node:events"
import * as Http from "node:http"
import type { Visitor } from "./Visitor.ts"

/** A provider that runs. */
export interface IdentityProvider {
  readonly origin: string
  readonly stop: () => Promise<void>
}

/** The settings of a server at `origin` that lets people sign in with the provider. */
export const environmentFor = ({ origin }: IdentityProvider): Readonly<Record<string, string>> => ({
  BELFRY_OIDC_PROVIDERS: "acme",
  BELFRY_OIDC_ACME_NAME: "Acme",
  BELFRY_OIDC_ACME_ISSUER: origin,
  BELFRY_OIDC_ACME_CLIENT_ID: clientId,
  BELFRY_OIDC_ACME_CLIENT_SECRET: clientSecret,
})

/** Starts a provider that knows the server at `site`, by its origin, as a client. */
export const start = async (site: string): Promise<IdentityProvider> => {
  const server = Http.createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("No port")
  const origin = `http://127.0.0.1:${address.port}`
  const provider = quietly(
    () =>
      new Provider(origin, {
        clients: [
          {
            client_id: clientId,
            client_secret: clientSecret,
            redirect_uris: [`${site}/auth/provider/acme/callback`],
            token_endpoint_auth_method: "client_secret_post",
          },
        ],
        claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
        cookies: { keys: [randomBytes(32).toString("base64url")] },
        jwks: {
          keys: [
            { ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), use: "sig" },
          ],
        },
        ttl: { AccessToken: 3600, Grant: 3600, IdToken: 3600, Interaction: 3600, Session: 3600 },
        findAccount: (_context, id) => ({ accountId: id, claims: () => claimsOf(id) }),
      }),
  )
  server.on("request", provider.callback())
  return {
    origin,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, "close")
    },
  }
}

/** Fills in the provider's login page, for the account of this name. */
export const logIn = async (visitor: Visitor, name: string): Promise<void> => {
  await visitor.page.getByPlaceholder("Enter any login").fill(name)
  await visitor.page.getByPlaceholder("and password").fill("any password")
  await visitor.press("Sign-in")
}

/** Says yes on the provider's page of consent; the status of the page that it leads back to. */
export const consent = (visitor: Visitor): Promise<number> => visitor.press("Continue")

/** Cancels on any page of the provider; the status of the page that it leads back to. */
export const cancel = (visitor: Visitor): Promise<number> => visitor.follow("[ Cancel ]")

// internal

const clientId = "belfry"
const clientSecret = randomBytes(32).toString("base64url")

/** The provider warns of having no users but those of tests, which it is for. */
const quietly = <A>(make: () => A): A => {
  const warn = vi.spyOn(console, "warn").mockReturnValue()
  try {
    return make()
  } finally {
    warn.mockRestore()
  }
}

/** The account of a name has the address of that name at example.com, verified but for names that say otherwise. */
const claimsOf = (name: string) => ({
  sub: name,
  name,
  email: `${name.replace(/^unverified-/u, "")}@example.com`,
  email_verified: !name.startsWith("unverified-"),
})
