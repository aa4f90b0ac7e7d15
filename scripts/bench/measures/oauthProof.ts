/**
 * Proof that a contender does what the oauth-server bench says that everybody does: clients are authenticated, PKCE is
 * enforced, tokens are what they should be and verify, codes and refresh tokens are good for one use.
 */
import { createLocalJWKSet, jwtVerify } from "jose"
import type { JSONWebKeySet } from "jose"
import { codeIn, formPost, memberIn, navigation, open } from "../connection.ts"
import { apiScope, resource } from "../contenders/oauthServer.ts"
import type { ClientCredentials, OAuthContestant } from "../contenders/oauthServer.ts"
import {
  authorizationPath,
  basic,
  clientCredentialsBody,
  exchangeBody,
  introspectionBody,
  refreshBody,
} from "../oauthLoad.ts"

/** How many people, counted from the last cookie, may have lost their grants after a proof: they used something twice. */
export const peopleForProof = 2

/** Fails with what the contender did wrong. */
export const prove = async (contestant: OAuthContestant): Promise<void> => {
  const { clients, cookies, endpoints, issuerAt, name, port } = contestant
  const { machine, web } = clients
  const [other = "", cookie = ""] = cookies.slice(-peopleForProof)
  const connection = await open(port)
  const must = (isRight: boolean, what: string, answer: string) => {
    if (!isRight) throw new Error(`${name}: ${what}:\n${answer.slice(0, 2000)}`)
  }
  const post = (path: string, client: ClientCredentials, body: string) =>
    connection.send(formPost(port, path, basic(client), body))
  const authorize = (how: Parameters<typeof authorizationPath>[1] = {}, as = cookie) =>
    connection.send(navigation(port, authorizationPath(contestant, how), as))
  const code = async (how: Parameters<typeof authorizationPath>[1] = {}, as = cookie): Promise<string> => {
    const answer = await authorize(how, as)
    const it = codeIn(answer)
    must(it !== undefined, "no code", answer)
    return it ?? ""
  }
  const required = (answer: string, member: string): string => {
    const value = memberIn(answer, member)
    must(value !== undefined, `no ${member}`, answer)
    return value ?? ""
  }
  const jwks: JSONWebKeySet = JSON.parse(await (await fetch(`http://127.0.0.1:${port}${endpoints.jwks}`)).text())
  const keys = createLocalJWKSet(jwks)
  const verify = async (answer: string, client: ClientCredentials) => {
    const options = { algorithms: ["ES256"], issuer: issuerAt(port), audience: resource, typ: "at+jwt" }
    const { payload } = await jwtVerify(required(answer, "access_token"), keys, options)
    const isRight = payload["client_id"] === client.clientId && String(payload["scope"]).split(" ").includes(apiScope)
    must(isRight, "the access token is for somebody else", JSON.stringify(payload))
  }
  const refused = async (what: string, sent: Promise<string>) => {
    const answer = await sent
    must(/^HTTP\/1\.1 40[01] /.test(answer) && !answer.includes("access_token"), what, answer)
  }
  const impostor = (client: ClientCredentials) => ({ ...client, clientSecret: `${client.clientSecret.slice(0, -1)}~` })

  await verify(await post(endpoints.token, machine, clientCredentialsBody(apiScope)), machine)
  await refused(
    "a wrong secret was good enough for a token",
    post(endpoints.token, impostor(machine), clientCredentialsBody(apiScope)),
  )

  const anonymous = await authorize({}, "")
  must(codeIn(anonymous) === undefined, "a code for nobody", anonymous)
  const parameters = { code_challenge: undefined, code_challenge_method: undefined }
  const unchallenged = await authorize({ parameters })
  must(codeIn(unchallenged) === undefined, "a code without PKCE", unchallenged)
  await refused(
    "a wrong verifier was good enough",
    post(endpoints.token, web, `${exchangeBody().replace("dBjft", "eBjft")}${await code()}`),
  )
  await refused(
    "a wrong secret was good enough for a code",
    post(endpoints.token, impostor(web), `${exchangeBody()}${await code()}`),
  )
  const first = await post(endpoints.token, web, `${exchangeBody()}${await code()}`)
  await verify(first, web)
  must(!first.includes("id_token"), "there is an ID token", first)
  const token = required(first, "refresh_token")
  const second = await post(endpoints.token, web, `${refreshBody}${token}`)
  await verify(second, web)
  must(required(second, "refresh_token") !== token, "the refresh token did not rotate", second)

  const opaque = await post(endpoints.token, web, `${exchangeBody(true)}${await code({ isOpaque: true })}`)
  const opaqueToken = required(opaque, "access_token")
  must(!opaqueToken.includes("."), "the access token without a resource is not opaque", opaque)
  const introspection = await post(endpoints.introspect, web, introspectionBody(opaqueToken))
  must(introspection.includes('"active":true'), "an access token is not active", introspection)
  const unknown = await post(endpoints.introspect, web, introspectionBody(`${opaqueToken.slice(0, -4)}AAAA`))
  must(unknown.includes('"active":false'), "an unknown token is active", unknown)
  const unasked = await post(endpoints.introspect, impostor(web), introspectionBody(opaqueToken))
  must(!unasked.includes('"active":true'), "a wrong secret was good enough to introspect", unasked)

  const once = await code()
  required(await post(endpoints.token, web, `${exchangeBody()}${once}`), "access_token")
  await refused("a code was good for two", post(endpoints.token, web, `${exchangeBody()}${once}`))
  const chain = required(await post(endpoints.token, web, `${exchangeBody()}${await code({}, other)}`), "refresh_token")
  required(await post(endpoints.token, web, `${refreshBody}${chain}`), "refresh_token")
  await refused("a refresh token was good for two", post(endpoints.token, web, `${refreshBody}${chain}`))
  connection.close()
}
