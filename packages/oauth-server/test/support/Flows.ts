/**
 * What applications do before a test begins: they are registered, find the server, and somebody gives them access.
 */
import type { RealServer, Registered } from "./RealServer.ts"
import type { Behaviour } from "@belfry/testing/Person"
import type { Application, Asked, Library, RelyingParty } from "./RelyingParty.ts"

type Server = RealServer["Service"]

/** What a public client says of itself: an application on somebody's device. */
export const publicClient = {
  tokenEndpointAuthMethod: "none",
  applicationType: "native",
  grantTypes: ["authorization_code", "refresh_token"],
} as const

/** A client with a secret, as it knows itself. */
export const confidential = ({ id, secret }: Registered): Application => ({
  id,
  proof: { method: "client_secret_basic", secret },
})

/** A new confidential application that found the server. */
export const discovered = async (server: Server, { discover }: Library, ...client: Parameters<Server["client"]>) =>
  discover(server.issuer, confidential(await server.client(...client)))

/** Somebody new gives an application what it asks for. */
export const signIn = async (server: Server, party: RelyingParty, asked: Asked = {}, behaviour: Behaviour = {}) => {
  const browser = await server.person()
  const begun = await party.begin(asked)
  const { answer, pages } = await browser.authorize(begun.url, behaviour)
  return { browser, begun, answer, pages, user: browser.user(), tokens: await begun.finish(answer) }
}
