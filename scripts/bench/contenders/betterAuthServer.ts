/**
 * Program of the `better-auth` contender. Settings: those of `betterAuthProgram.ts`; and `PROVIDER`, where people sign
 * in with one: the configuration of the generic OAuth plugin as JSON.
 */
import { peerUrl } from "../peers.ts"
import type { GenericOAuthConfig } from "./betterAuth.ts"
import { makeBetterAuth, serve } from "./betterAuthProgram.ts"

const pluginOf = async (provider: string): Promise<unknown> => {
  const module: {
    readonly genericOAuth: (options: { readonly config: ReadonlyArray<GenericOAuthConfig> }) => unknown
  } = await import(peerUrl("better-auth/plugins/generic-oauth"))
  return module.genericOAuth({ config: [JSON.parse(provider)] })
}

const provider = process.env["PROVIDER"]
// Belfry stores no token that it has not encrypted.
const options = { account: { encryptOAuthTokens: true } }
serve(await makeBetterAuth(provider === undefined ? [] : [await pluginOf(provider)], options))
