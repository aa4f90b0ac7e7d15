/** What the tests use of panva's oidc-provider, which brings no types. */
declare module "oidc-provider" {
  import type { RequestListener } from "node:http"

  export interface Account {
    readonly accountId: string
    readonly claims: () => Readonly<Record<string, unknown>>
  }

  export interface Configuration {
    readonly clients: ReadonlyArray<Readonly<Record<string, unknown>>>
    readonly claims: Readonly<Record<string, ReadonlyArray<string>>>
    readonly cookies: { readonly keys: ReadonlyArray<string> }
    readonly jwks: { readonly keys: ReadonlyArray<unknown> }
    readonly ttl: Readonly<Record<string, number>>
    readonly findAccount: (context: unknown, id: string) => Account
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration)
    readonly callback: () => RequestListener
  }
}
