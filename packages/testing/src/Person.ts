/**
 * A person's browser on the network: it keeps cookies, says that it navigates, and follows no redirect by itself.
 *
 * @since 0.1.0
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { Sessions } from "@belfry/core/Sessions"
import type { User } from "@belfry/core/User"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { request as send } from "node:http"
import * as Builders from "./Builders.ts"

/**
 * What a browser got.
 *
 * @category models
 * @since 0.1.0
 */
export interface Visit {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
  /** Where it leads to; null when it leads nowhere. */
  readonly location: URL | null
}

/**
 * What a person does where they are asked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour {
  /** Agrees to everything, to some scopes, or to nothing. */
  readonly consent?: "all" | "nothing" | ReadonlyArray<string>
}

/**
 * What the person did on the way, and what came to the client in the end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Arrival {
  /** A redirect's target, or what a form of the page posts. */
  readonly answer: URL | Request
  /** The paths of the pages that they saw. */
  readonly pages: ReadonlyArray<string>
}

/**
 * Somebody who signs in now: their session with its token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const signIn = Effect.fnUntraced(function* (user?: User) {
  const person = user ?? (yield* Builders.storedUser())
  const { session, token } = yield* Sessions.use((sessions) =>
    sessions.start({ user: person, amr: ["pwd"], client: unknownClient }),
  )
  return { user: person, session, token }
})

type SignedIn = Effect.Success<ReturnType<typeof signIn>>

/**
 * Somebody with a browser.
 *
 * @category models
 * @since 0.1.0
 */
export interface Person {
  readonly cookies: Map<string, string>
  /** Signs in as the sign-in page does: a new session of the same user. */
  readonly signIn: () => Promise<SignedIn>
  readonly user: () => User
  /** Goes to an address. */
  readonly go: (url: string | URL) => Promise<Visit>
  /** Sends a form of a page of this site. */
  readonly submit: (path: string, fields: Readonly<Record<string, string>>) => Promise<Visit>
  /** Follows a client's link, and does on the pages what they ask for, until the client is answered. */
  readonly authorize: (url: URL, behaviour?: Behaviour) => Promise<Arrival>
}

/**
 * A browser of somebody who may sign in at the site.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (site: {
  readonly origin: string
  readonly signIn: (user: User | undefined) => Promise<SignedIn>
}): Person => {
  const cookies = new Map<string, string>()
  let signedIn: SignedIn | undefined

  const navigate = (url: string | URL, form?: Readonly<Record<string, string>>): Promise<Visit> =>
    new Promise((resolve, reject) => {
      const isOwn = form !== undefined
      const sending = send(
        new URL(url, site.origin),
        {
          method: isOwn ? "POST" : "GET",
          headers: {
            accept: "text/html",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
            "sec-fetch-site": isOwn ? "same-origin" : "cross-site",
            ...(cookies.size === 0 ? {} : { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") }),
            ...(isOwn ? { origin: site.origin, "content-type": "application/x-www-form-urlencoded" } : {}),
          },
        },
        (response) => {
          for (const cookie of response.headers["set-cookie"] ?? []) keep(cookie)
          const chunks: Array<Buffer> = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.on("error", reject)
          response.on("end", () => {
            const { location } = response.headers
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString(),
              location: location === undefined ? null : new URL(location, site.origin),
            })
          })
        },
      )
      sending.on("error", reject)
      sending.end(form === undefined ? undefined : new URLSearchParams(form).toString())
    })

  const keep = (cookie: string): void => {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/u.exec(cookie) ?? []
    if (value === "") cookies.delete(name)
    else cookies.set(name, value)
  }

  const person: Person = {
    cookies,
    user: () => {
      if (signedIn === undefined) throw new Error("nobody signed in")
      return signedIn.user
    },
    signIn: async () => {
      signedIn = await site.signIn(signedIn?.user)
      cookies.set("belfry_session", Redacted.value(signedIn.token))
      return signedIn
    },
    go: (url) => navigate(url),
    submit: (path, fields) => navigate(path, fields),
    authorize: async (url, behaviour = {}) => {
      const pages: Array<string> = []
      let visit = await navigate(url)
      for (let steps = 0; steps < 20; steps++) {
        if (visit.location === null) return { answer: postOf(visit), pages }
        if (visit.location.origin !== site.origin) return { answer: visit.location, pages }
        const { pathname } = visit.location
        if (pathname.startsWith("/auth/")) visit = await navigate(visit.location)
        else {
          pages.push(pathname)
          visit = await act(person, visit.location, behaviour)
        }
      }
      throw new Error(`no end after ${pages.join(", ")}`)
    },
  }
  return person
}

// internal

/** What somebody does on a page, with what the page was opened with. */
const act = async (person: Person, page: URL, { consent = "all" }: Behaviour): Promise<Visit> => {
  const request = page.searchParams.get("request") ?? ""
  const returnTo = page.searchParams.get("return_to") ?? ""
  switch (page.pathname) {
    case "/sign-in":
    case "/account/confirm":
      await person.signIn()
      return person.go(returnTo)
    case "/authorize/account":
      return person.submit("/auth/oauth2/continue", { request, step: "select_account" })
    case "/authorize/consent":
      return person.submit("/auth/oauth2/consent", {
        request,
        accept: String(consent !== "nothing"),
        ...(typeof consent === "string" ? {} : { scope: consent.join(" ") }),
      })
    default:
      throw new Error(`nothing to do at ${page.href}`)
  }
}

/** What the form of a page posts by itself (OAuth 2.0 Form Post Response Mode §2). */
const postOf = ({ headers, status, text }: Visit): Request => {
  const action = /<form method="post" action="([^"]*)"/u.exec(text)?.[1]
  if (action === undefined) throw new Error(`neither a redirect nor a form: ${status} ${String(headers)} ${text}`)
  const fields = [...text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/gu)].map(
    ([, name = "", value = ""]): [string, string] => [unescape(name), unescape(value)],
  )
  return new Request(unescape(action), { method: "POST", body: new URLSearchParams(fields) })
}

const unescape = (html: string): string =>
  html.replaceAll(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code)))
