/**
 * A program of somebody's that speaks MCP: what it keeps, and how it is known to an authorization server. Both official
 * client libraries take it as their `OAuthClientProvider`.
 *
 * @since 0.1.0
 */
import type { OAuthClientProvider } from "@modelcontextprotocol/client"
import { randomBytes } from "node:crypto"

/**
 * How a program is known: by a document of its own, by registering itself, or by what it was given.
 *
 * @category models
 * @since 0.1.0
 */
export type Way =
  | { readonly kind: "document"; readonly url: string }
  | { readonly kind: "dynamic" }
  | { readonly kind: "pre-registered"; readonly id: string; readonly secret: string }

/**
 * Where programs want people to be sent back to, unless a test says otherwise; nothing is there.
 *
 * @category models
 * @since 0.1.0
 */
export const nowhere = "http://127.0.0.1:33418/callback"

/**
 * What a program says of itself, to be registered and in its document.
 *
 * @category models
 * @since 0.1.0
 */
export const clientMetadata = (redirectUrl = nowhere) => ({
  client_name: "Difference Engine",
  redirect_uris: [redirectUrl],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
})

type Provider = Required<Pick<OAuthClientProvider, "saveClientInformation">> & OAuthClientProvider
type Information = Parameters<Provider["saveClientInformation"]>[0]
type Tokens = Parameters<Provider["saveTokens"]>[0]
type Discovered = NonNullable<Awaited<ReturnType<NonNullable<Provider["discoveryState"]>>>>

/**
 * A program and its memory.
 *
 * @category models
 * @since 0.1.0
 */
export class Program implements OAuthClientProvider {
  readonly redirectUrl: string
  readonly clientMetadata: ReturnType<typeof clientMetadata>
  readonly clientMetadataUrl?: string
  /** The links that the program would have opened in a browser, in their order. */
  readonly links: Array<URL> = []
  readonly saveClientInformation?: (information: Information) => void
  private information: Information | undefined
  private saved: Tokens | undefined
  private discovered: Discovered | undefined
  private verifier = ""
  private sent = ""

  constructor(way: Way, redirectUrl = nowhere) {
    this.redirectUrl = redirectUrl
    this.clientMetadata = clientMetadata(redirectUrl)
    if (way.kind === "document") this.clientMetadataUrl = way.url
    if (way.kind === "pre-registered") this.information = { client_id: way.id, client_secret: way.secret }
    else this.saveClientInformation = (information) => void (this.information = information)
  }

  state() {
    this.sent = randomBytes(16).toString("base64url")
    return this.sent
  }

  clientInformation() {
    return this.information
  }

  tokens() {
    return this.saved
  }

  saveTokens(tokens: Tokens) {
    this.saved = tokens
  }

  redirectToAuthorization(link: URL) {
    this.links.push(link)
  }

  saveDiscoveryState(discovered: Discovered) {
    this.discovered = discovered
  }

  discoveryState() {
    return this.discovered
  }

  saveCodeVerifier(verifier: string) {
    this.verifier = verifier
  }

  codeVerifier() {
    return this.verifier
  }

  invalidateCredentials(what: "all" | "client" | "tokens" | "verifier" | "discovery") {
    if (what === "all" || what === "tokens") this.saved = undefined
    if (what === "all" || what === "client") this.information = undefined
    if (what === "all" || what === "discovery") this.discovered = undefined
  }

  /** The parameters of an answer that came back, which is to the last link. */
  read(answer: URL | Request): URLSearchParams {
    if (!(answer instanceof URL)) throw new Error("an answer by form_post")
    const { searchParams } = answer
    if (`${answer.origin}${answer.pathname}` !== this.redirectUrl) throw new Error(`an answer to ${answer.href}`)
    if (searchParams.get("state") !== this.sent) throw new Error("an answer to another request")
    return searchParams
  }

  /** Presents what is no access token from now on, as if it had become old. */
  spoilAccessToken() {
    if (this.saved !== undefined) this.saved = { ...this.saved, access_token: "no-such-token" }
  }
}
