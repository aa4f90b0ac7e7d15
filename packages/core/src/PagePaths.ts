/**
 * Where the pages are that mails and redirects lead to.
 *
 * The hosted pages have these paths; a host with pages of its own provides others.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * Paths of pages. Those that complete something receive the token in the query parameter `token`.
 *
 * **Details**
 *
 * `continueSignIn` goes on with the sign-in that the browser carries. `signInError` tells why a sign-in by a provider
 * came to nothing: the query parameters `error`, a code, and `provider`, an id.
 *
 * @category models
 * @since 0.1.0
 */
export interface PagePathsService {
  readonly signIn: `/${string}`
  readonly continueSignIn: `/${string}`
  readonly signInError: `/${string}`
  readonly magicLink: `/${string}`
  readonly signUp: `/${string}`
  readonly account: `/${string}`
  readonly forgotPassword: `/${string}`
  readonly resetPassword: `/${string}`
  readonly confirmSignUp: `/${string}`
  readonly verifyEmail: `/${string}`
  readonly confirmEmailChange: `/${string}`
  readonly acceptInvitation: `/${string}`
  readonly organizations: `/${string}`
  readonly billing: `/${string}`
}

/**
 * The paths of the hosted pages, unless the host provides others.
 *
 * @category services
 * @since 0.1.0
 */
export const PagePaths = Context.Reference<PagePathsService>("@belfry/core/PagePaths", {
  defaultValue: () => ({
    signIn: "/sign-in",
    continueSignIn: "/sign-in/continue",
    signInError: "/sign-in/error",
    magicLink: "/sign-in/link",
    signUp: "/sign-up",
    account: "/account",
    forgotPassword: "/forgot-password",
    resetPassword: "/reset-password",
    confirmSignUp: "/confirm-sign-up",
    verifyEmail: "/verify-email",
    confirmEmailChange: "/confirm-email-change",
    acceptInvitation: "/invitations/accept",
    organizations: "/organizations",
    billing: "/billing",
  }),
})
