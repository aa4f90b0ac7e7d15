/** What the oauth-server bench asks of a contestant, as work for the load. */
import { apiScope } from "./contenders/oauthServer.ts"
import type { OAuthContestant } from "./contenders/oauthServer.ts"
import type { ServerProcess } from "./contenders/contender.ts"
import {
  authorizationPath,
  basic,
  clientCredentialsBody,
  exchangeBody,
  introspectionBody,
  oauthLoad,
  refreshBody,
} from "./oauthLoad.ts"
import type { Issued, OAuthWork } from "./oauthLoad.ts"
import type { Cores } from "./processes.ts"

/** Flows of everybody in turns, for the API or for opaque tokens; without an exchange they end with their codes. */
export const flowsOf = (
  contestant: OAuthContestant,
  how: { readonly exchanges: boolean; readonly isOpaque?: boolean },
): OAuthWork => {
  const { clients, cookies, endpoints } = contestant
  const { exchanges, isOpaque = false } = how
  const exchange = { path: endpoints.token, authorization: basic(clients.web), body: exchangeBody(isOpaque) }
  return {
    kind: "code",
    path: authorizationPath(contestant, { isOpaque }),
    cookies,
    ...(exchanges ? { exchange } : {}),
  }
}

/** Tokens for `machine`. */
export const clientCredentialsOf = ({ clients, endpoints }: OAuthContestant): OAuthWork => ({
  kind: "post",
  path: endpoints.token,
  authorization: basic(clients.machine),
  bodies: [clientCredentialsBody(apiScope)],
  once: false,
  mustContain: '"access_token":"ey',
})

/** The exchange of codes, each once. */
export const exchangesOf = ({ clients, endpoints }: OAuthContestant, codes: ReadonlyArray<string>): OAuthWork => ({
  kind: "post",
  path: endpoints.token,
  authorization: basic(clients.web),
  bodies: codes.map((code) => `${exchangeBody()}${code}`),
  once: true,
  mustContain: '"access_token":"ey',
})

/** Rotations of the chains whose newest tokens these are. */
export const rotationsOf = ({ clients, endpoints }: OAuthContestant, tokens: ReadonlyArray<string>): OAuthWork => ({
  kind: "refresh",
  path: endpoints.token,
  authorization: basic(clients.web),
  body: refreshBody,
  tokens,
})

/** Introspections of tokens in turns, all of which are in force. */
export const introspectionsOf = (
  { clients, endpoints }: OAuthContestant,
  tokens: ReadonlyArray<string>,
): OAuthWork => ({
  kind: "post",
  path: endpoints.introspect,
  authorization: basic(clients.web),
  bodies: tokens.map(introspectionBody),
  once: false,
  mustContain: '"active":true',
})

/** Does so many requests of some work, not timed, and returns what was issued. */
export const issue = async (
  cores: Cores | undefined,
  { port }: Pick<ServerProcess, "port">,
  work: OAuthWork,
  requests: number,
  connections = 50,
): Promise<Issued> => (await oauthLoad(cores, { port, work, connections, seconds: 600, requests })).issued
