/**
 * Where people are sent: the hosted pages, or those of the host.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * Where people are sent. Each is a path of this site, or an absolute URL of an allowed origin.
 *
 * **Details**
 *
 * Each is opened with `request=<id>`, from which `LoginFlow` tells what waits there, and `return_to`, where the way
 * goes on (`/auth/oauth2/continue`). `signUp` and `postLogin`: null sends people to `login`, or skips the step. `error`
 * is opened with `error` and `error_description`.
 *
 * @category models
 * @since 0.1.0
 */
export interface OAuthServerPagesService {
  readonly login: string
  readonly signUp: string | null
  readonly reauthenticate: string
  readonly stepUp: string
  readonly selectAccount: string
  readonly postLogin: string | null
  readonly consent: string
  readonly endSession: string
  readonly signedOut: string
  readonly error: string
}

/**
 * Where people are sent; the hosted pages, unless a host says otherwise.
 *
 * @category services
 * @since 0.1.0
 */
export const OAuthServerPages = Context.Reference<OAuthServerPagesService>("@belfry/oauth-server/OAuthServerPages", {
  defaultValue: () => ({
    login: "/sign-in",
    signUp: "/sign-up",
    reauthenticate: "/account/confirm",
    stepUp: "/account/confirm",
    selectAccount: "/authorize/account",
    postLogin: null,
    consent: "/authorize/consent",
    endSession: "/sign-out/confirm",
    signedOut: "/sign-out/done",
    error: "/authorize/error",
  }),
})
