/**
 * The hosted pages: sign up, sign in by any factor, account, consent to applications, organizations, billing. Rendered
 * on the server, whole without script but for passkeys.
 *
 * They call the services directly, as the HTTP API does, and answer forms with a redirect (303) or with the page again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { select } from "./PageCatalogues.ts"
import * as acceptInvitation from "./pages/acceptInvitation.ts"
import * as account from "./pages/account.ts"
import * as authorize from "./pages/authorize.ts"
import * as authorizeOrganization from "./pages/authorizeOrganization.ts"
import * as billing from "./pages/billing.ts"
import * as billingCheckout from "./pages/billingCheckout.ts"
import * as billingInvoices from "./pages/billingInvoices.ts"
import * as billingPlans from "./pages/billingPlans.ts"
import * as connectedAccounts from "./pages/connectedAccounts.ts"
import * as continueSignIn from "./pages/continue.ts"
import * as endSession from "./pages/endSession.ts"
import * as endSubscription from "./pages/endSubscription.ts"
import * as enrolment from "./pages/enrolment.ts"
import * as links from "./pages/links.ts"
import * as methods from "./pages/methods.ts"
import * as organizationAudit from "./pages/organizationAudit.ts"
import * as organizationInvitations from "./pages/organizationInvitations.ts"
import * as organizationMembers from "./pages/organizationMembers.ts"
import * as organizationRoles from "./pages/organizationRoles.ts"
import * as organizations from "./pages/organizations.ts"
import * as organizationSettings from "./pages/organizationSettings.ts"
import * as organizationTeams from "./pages/organizationTeams.ts"
import * as PageKit from "./pages/PageKit.ts"
import * as providers from "./pages/providers.ts"
import { withQuery } from "./pages/query.ts"
import * as signIn from "./pages/signIn.ts"
import * as signInEmail from "./pages/signInEmail.ts"
import * as signUp from "./pages/signUp.ts"
import { failurePage } from "./pages/views/failures.ts"
import { get, makeVisitors } from "./pages/visit.ts"

/**
 * The pages at the paths of `PagePaths`, with their files and `/.well-known/change-password`.
 *
 * **When to use**
 *
 * In a host that has a start page and a page for unknown paths of its own; otherwise {@link layer}.
 *
 * @see [W3C Change Password URL](https://www.w3.org/TR/change-password-url/)
 * @category layers
 * @since 0.1.0
 */
export const layerPages = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const { assets, paths } = yield* PageKit.PageKit
    const visitors = yield* makeVisitors
    const changePassword = `${paths.account}#password`
    for (const asset of assets) {
      yield* router.add("GET", asset.path, yield* PageKit.assetResponse(asset))
    }
    yield* get("/.well-known/change-password", (visit) =>
      Effect.map(visitors.find(visit), (visitor) =>
        // A redirect from the account page could not name the section: a server does not see fragments.
        Option.isSome(visitor) ? changePassword : withQuery(paths.signIn, { return_to: changePassword }),
      ),
    )
    yield* signIn.routes
    yield* signInEmail.routes
    yield* continueSignIn.routes
    yield* enrolment.routes
    yield* signUp.routes
    yield* links.routes
    yield* account.routes
    yield* methods.routes
    yield* providers.routes
    yield* connectedAccounts.routes
    yield* authorize.routes
    yield* endSession.routes
    yield* organizations.routes
    yield* organizationSettings.routes
    yield* organizationMembers.routes
    yield* organizationRoles.routes
    yield* organizationInvitations.routes
    yield* organizationTeams.routes
    yield* organizationAudit.routes
    yield* acceptInvitation.routes
    yield* authorizeOrganization.routes
    yield* billing.routes
    yield* billingPlans.routes
    yield* endSubscription.routes
    yield* billingCheckout.routes
    yield* billingInvoices.routes
  }),
).pipe(Layer.provide(PageKit.layer))

/**
 * The start page, which leads to the account or to the sign-in page, and a page for paths that nobody serves.
 *
 * **Details**
 *
 * The latter is for people: what lies below `/auth`, and who does not ask for HTML, gets an empty 404.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerStart = HttpRouter.use((router) =>
  Effect.gen(function* () {
    const { catalogues, paths, respond } = yield* PageKit.PageKit
    const visitors = yield* makeVisitors
    yield* get("/", (visit) =>
      Effect.map(visitors.find(visit), (visitor) => (Option.isSome(visitor) ? paths.account : paths.signIn)),
    )
    yield* router.add("GET", "/*", (request) => {
      const isForPeople =
        request.headers["accept"]?.includes("text/html") === true && !/^\/auth(?:[/?]|$)/u.test(request.url)
      const words = select(catalogues, request.headers["accept-language"])
      return Effect.succeed(
        isForPeople ? respond(failurePage(words, { status: 404 }), words) : HttpServerResponse.empty({ status: 404 }),
      )
    })
  }),
).pipe(Layer.provide(PageKit.layer))

/**
 * All hosted pages.
 *
 * **Details**
 *
 * Needs the router, `Site`, and the services of `core`, `factors`, `oauth-client`, `oauth-server`, `organization` and
 * `billing`; there are pages of teams where there is `Teams`, and pages about bills where a provider takes money. Looks
 * and words come from `PageTheme`, `PageCatalogues` and `ScopeDescriptions`, paths from `PagePaths`. Fails when the
 * theme is not of its form.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(layerPages, layerStart)
