/**
 * The hosted pages over stores in memory, and a browser without script that visits them in the process.
 */
import * as BillingServices from "@belfry/billing/BillingServices"
import * as MemoryBillingStores from "@belfry/billing/MemoryBillingStores"
import * as StripeBillingProvider from "@belfry/billing/StripeBillingProvider"
import * as CoreServices from "@belfry/core/CoreServices"
import * as KeyRing from "@belfry/core/KeyRing"
import * as MailQueue from "@belfry/core/MailQueue"
import * as RateLimits from "@belfry/core/RateLimits"
import * as Site from "@belfry/core/Site"
import * as FactorsServices from "@belfry/factors/FactorsServices"
import * as PasswordHasher from "@belfry/factors/PasswordHasher"
import * as SignInPolicy from "@belfry/factors/SignInPolicy"
import * as OrganizationServices from "@belfry/organization/OrganizationServices"
import * as OrganizationAddressProofs from "@belfry/server/OrganizationAddressProofs"
import * as OrganizationOAuthHooks from "@belfry/server/OrganizationOAuthHooks"
import * as OrganizationUserRemovals from "@belfry/server/OrganizationUserRemovals"
import * as Pages from "@belfry/server/Pages"
import * as Server from "@belfry/server/Server"
import * as CapturingMailer from "@belfry/testing/CapturingMailer"
import * as TestAccess from "@belfry/testing/TestAccess"
import * as TestBilling from "@belfry/testing/TestBilling"
import * as TestServices from "@belfry/testing/TestServices"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import { assert } from "@effect/vitest"
import { Effect, Layer, Redacted, type Scope } from "effect"
import { HttpEffect, HttpRouter, type HttpServerRequest, type HttpServerResponse } from "effect/http"

/** What organizations and billing stand on: `core` over stores in memory. */
const layerBase = (options: Partial<Site.SiteOptions>) =>
  CoreServices.layer().pipe(
    Layer.provideMerge(
      Layer.mergeAll(MemoryBillingStores.layer, RateLimits.layerMemory, MailQueue.layer(), PasswordHasher.layer()),
    ),
    Layer.provideMerge(
      Layer.mergeAll(
        TestServices.layerMemoryStores,
        KeyRing.layer([{ id: "k1", value: Redacted.make("k1-0123456789abcdefghijklmnopqrstuvwxyz") }]),
        CapturingMailer.layer,
      ),
    ),
    Layer.provideMerge(
      Layer.mergeAll(Site.layer({ baseUrl: "https://id.example.com", name: "Example", ...options }), NodeCrypto.layer),
    ),
  )

/** All other services over those of organizations and billing. */
const layerOver = <A, E, R>(below: Layer.Layer<A, E, R>) =>
  Layer.merge(TestServices.layerOAuthClient, TestServices.layerOAuthServer).pipe(
    Layer.provideMerge(Layer.orDie(OrganizationOAuthHooks.layer)),
    Layer.provideMerge(FactorsServices.layer),
    Layer.provideMerge(OrganizationAddressProofs.layer),
    Layer.provideMerge(below),
  )

/**
 * The services of a site in memory, without providers to sign in with, where nobody takes money. A test may declare
 * another access.
 */
export const layerServices = (options: Partial<Site.SiteOptions> = {}, access: Layer.Layer<never> = TestAccess.layer) =>
  layerOver(
    BillingServices.layer.pipe(
      Layer.provideMerge(OrganizationUserRemovals.layer),
      Layer.provideMerge(OrganizationServices.layerWithTeams),
      Layer.provideMerge(BillingServices.layerEntitlements),
      Layer.provideMerge(Layer.merge(access, StripeBillingProvider.layerOff)),
      Layer.provideMerge(layerBase(options)),
    ),
  )

/** The services of a site in memory that sells what a test says, and takes money by a local Stripe. */
export const layerWithBilling = (options: TestBilling.Options = {}) =>
  layerOver(TestBilling.layerOver(layerBase({}), options))

/** The services of a site in memory, under the policy of its host. */
export const layerPolicy = (policy: SignInPolicy.SignInPolicyOptions) =>
  layerServices().pipe(Layer.provideMerge(Layer.succeed(SignInPolicy.SignInPolicy, SignInPolicy.make(policy))))

/** A page as a browser got it. */
export interface Visited {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Where a redirect leads, or none. */
  readonly location: string | null
}

/** What a request has besides its path. */
export interface VisitOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer>
}

/** Serves the pages over the services of the context, in one handler that the test's clock governs. */
export const serve = Effect.fnUntraced(function* () {
  return yield* toSite(yield* HttpRouter.toHttpEffect(Pages.layer))
})

/** Serves the pages with the HTTP API beside them, which the script of passkeys asks. */
export const serveWithApi = Effect.fnUntraced(function* () {
  return yield* toSite(yield* HttpRouter.toHttpEffect(Layer.mergeAll(Pages.layer, Server.layerApi)))
}, Effect.provide(NodeHttpServer.layerHttpServices))

const toSite = Effect.fnUntraced(function* <E>(
  httpEffect: Effect.Effect<
    HttpServerResponse.HttpServerResponse,
    E,
    HttpServerRequest.HttpServerRequest | Scope.Scope
  >,
) {
  const context = yield* Effect.context<never>()
  const handler = HttpEffect.toWebHandlerWith<never, HttpServerRequest.HttpServerRequest | Scope.Scope>(context)(
    httpEffect,
  )
  const { origin } = yield* Site.Site
  return { handler: (request: Request) => handler(request), origin }
})

/** A browser with cookies of its own. */
export const browser = ({ handler, origin }: Effect.Success<ReturnType<typeof serve>>) => {
  const cookies = new Map<string, string>()

  const send = (method: string, path: string, { headers = {}, body }: VisitOptions = {}) =>
    Effect.promise(async (): Promise<Visited> => {
      const response = await handler(
        new Request(new URL(path, origin), {
          method,
          headers: {
            accept: "text/html,application/xhtml+xml",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ...(cookies.size === 0
              ? {}
              : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }),
            ...headers,
          },
          ...(body === undefined ? {} : { body }),
        }),
      )
      for (const line of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/u.exec(line) ?? []
        if (/; max-age=0|; expires=thu, 01 jan 1970 00:00:00/iu.test(line)) cookies.delete(name)
        else cookies.set(name, value)
      }
      return {
        status: response.status,
        headers: response.headers,
        text: await response.text(),
        location: response.headers.get("location"),
      }
    })

  return {
    cookies,
    send,
    open: (path: string, options?: VisitOptions) => send("GET", path, options),
    /** Asks the HTTP API as the script of a page does. */
    ask: (path: string, body: unknown = {}) =>
      Effect.map(
        send("POST", path, {
          body: JSON.stringify(body),
          headers: { "content-type": "application/json", origin, "sec-fetch-site": "same-origin" },
        }),
        (answer): unknown => (answer.text === "" ? undefined : JSON.parse(answer.text)),
      ),
    /** Sends a form as the site's own page would. */
    submit: (path: string, fields: Readonly<Record<string, string>>, options: VisitOptions = {}) =>
      send("POST", path, {
        body: new URLSearchParams(fields).toString(),
        ...options,
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          origin,
          "sec-fetch-site": "same-origin",
          ...options.headers,
        },
      }),
  }
}

/** A browser. */
export type Browser = ReturnType<typeof browser>

/** The password of everybody who signs up in a test. */
export const password = "correct horse battery staple"

/** The link of the last mail to an address, as a path of the site. */
export const mailedLink = Effect.fnUntraced(function* (to: string, category?: string) {
  const mailer = yield* CapturingMailer.CapturingMailer
  const link = CapturingMailer.linkIn(yield* mailer.takeLast(to, category))
  return { path: `${link.pathname}${link.search}`, token: link.searchParams.get("token") ?? "" }
})

/** Signs up in a browser and follows the link, which signs in. */
export const signUp = Effect.fnUntraced(function* (visitor: Browser, email: string, name = "Ada") {
  yield* visitor.submit("/sign-up", { name, email, password })
  const { token } = yield* mailedLink(email, "confirm-sign-up")
  const confirmed = yield* visitor.submit("/confirm-sign-up", { token })
  assert.strictEqual(confirmed.location, "/account?done=welcome")
})

/** The text beside a field that says what is wrong with it, or none. */
export const problemOf = (page: Visited, field: string): string | undefined =>
  new RegExp(`id="${field}-problem"[^>]*>([^<]*)<`, "u").exec(page.text)?.[1]?.trim()

/** The value that a field shows. */
export const valueOf = (page: Visited, field: string): string | undefined =>
  new RegExp(`<input id="${field}"[^>]* value="([^"]*)"`, "u").exec(page.text)?.[1]
