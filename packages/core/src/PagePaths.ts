/**
 * Where the pages are that mails link to.
 *
 * The hosted pages have these paths; a host with pages of its own provides others.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * Paths of pages. Those that complete something receive the token in the query parameter `token`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PagePathsService {
  readonly signIn: `/${string}`
  readonly magicLink: `/${string}`
  readonly signUp: `/${string}`
  readonly account: `/${string}`
  readonly forgotPassword: `/${string}`
  readonly resetPassword: `/${string}`
  readonly confirmSignUp: `/${string}`
  readonly verifyEmail: `/${string}`
  readonly confirmEmailChange: `/${string}`
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
    magicLink: "/sign-in/link",
    signUp: "/sign-up",
    account: "/account",
    forgotPassword: "/forgot-password",
    resetPassword: "/reset-password",
    confirmSignUp: "/confirm-sign-up",
    verifyEmail: "/verify-email",
    confirmEmailChange: "/confirm-email-change",
  }),
})
