/**
 * The site that an installation serves: its name, its origin, the other origins it lets in, its links and cookie names.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ConfigList from "./ConfigList.ts"

/**
 * The site that an installation serves.
 *
 * @category services
 * @since 0.1.0
 */
export class Site extends Context.Service<
  Site,
  {
    /** The name that people read in pages and mails. */
    readonly name: string
    /** The origin of this server and nothing else: the path is `/`. */
    readonly baseUrl: URL
    /** The serialized origin of `baseUrl`, without a trailing slash. */
    readonly origin: string
    /** Serialized origins of other sites that may call this one with the user's cookie and be redirected to. */
    readonly allowedOrigins: ReadonlyArray<string>
    /** Whether the site is served over https. */
    readonly isSecure: boolean
    /**
     * An absolute URL of this site. `path` is a path and no more; a `?`, `#` or further `/` in it is escaped or kept as
     * path.
     */
    readonly url: (path: `/${string}`, query?: Readonly<Record<string, string>>) => string
    /** The name of a cookie: with the prefix `__Host-` when the site is served over https, where browsers take it. */
    readonly cookieName: (base: string) => string
  }
>()("@belfry/core/Site") {}

/**
 * A setting of the site cannot be used.
 *
 * @category errors
 * @since 0.1.0
 */
export class SiteInvalid extends Schema.TaggedError<SiteInvalid>("@belfry/core/SiteInvalid")("SiteInvalid", {
  setting: Schema.Literals(["BELFRY_BASE_URL", "BELFRY_SITE_NAME", "BELFRY_ALLOWED_ORIGINS"]),
  reason: Schema.Literals(["not a URL", "scheme", "userinfo", "wildcard", "path", "query", "fragment", "name"]),
}) {
  override get message(): string {
    return `${this.setting} cannot be used: ${explanations[this.reason]}`
  }
}

/**
 * What a site is made of.
 *
 * @category models
 * @since 0.1.0
 */
export interface SiteOptions {
  /** `http:` or `https:` URL of an origin. */
  readonly baseUrl: string | URL
  /** 1 to 100 characters in one line. Default: Belfry. */
  readonly name?: string | undefined
  /** Default: none. */
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
}

/**
 * Makes a site. Fails with `SiteInvalid` when the base URL or an allowed origin is more than an origin.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: SiteOptions): Result.Result<Site["Service"], SiteInvalid> =>
  Result.gen(function* () {
    const baseUrl = yield* parseOrigin("BELFRY_BASE_URL", String(options.baseUrl))
    const name = (options.name ?? "Belfry").trim()
    if (!/^[^\p{Cc}\p{Zl}\p{Zp}]{1,100}$/u.test(name)) {
      return yield* Result.fail(new SiteInvalid({ setting: "BELFRY_SITE_NAME", reason: "name" }))
    }
    const allowedOrigins: Array<string> = []
    for (const origin of options.allowedOrigins ?? []) {
      allowedOrigins.push((yield* parseOrigin("BELFRY_ALLOWED_ORIGINS", origin)).origin)
    }
    const isSecure = baseUrl.protocol === "https:"
    return Site.of({
      name,
      baseUrl,
      origin: baseUrl.origin,
      allowedOrigins,
      isSecure,
      url: (path, query = {}) => {
        const url = new URL(baseUrl)
        // Setting the path, unlike resolving a reference, cannot leave the origin.
        url.pathname = path
        for (const [key, value] of Object.entries(query)) url.searchParams.append(key, value)
        return url.href
      },
      cookieName: (base) => (isSecure ? `__Host-${base}` : base),
    })
  })

/**
 * Layer of a site that the host describes.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: SiteOptions): Layer.Layer<Site, SiteInvalid> =>
  Layer.effect(Site, Effect.fromResult(make(options)))

/**
 * Layer of the site of `BELFRY_BASE_URL` (default `http://localhost:3000`), `BELFRY_SITE_NAME` (default `Belfry`) and
 * `BELFRY_ALLOWED_ORIGINS` (origins separated by commas, default none).
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<Site, SiteInvalid | Config.ConfigError> = Layer.effect(
  Site,
  Effect.gen(function* () {
    const baseUrl = yield* Config.String("BELFRY_BASE_URL").pipe(Config.withDefault("http://localhost:3000"))
    const name = yield* Config.String("BELFRY_SITE_NAME").pipe(Config.withDefault("Belfry"))
    const allowedOrigins = yield* ConfigList.config("BELFRY_ALLOWED_ORIGINS")
    return yield* Effect.fromResult(make({ baseUrl, name, allowedOrigins }))
  }),
)

// internal

const explanations: Record<SiteInvalid["reason"], string> = {
  "not a URL": "it is not a URL such as https://example.com",
  scheme: "its scheme is not http or https",
  userinfo: "it has a user name or a password",
  wildcard: "it has a wildcard; each origin is written out",
  path: "it has a path; only the origin counts",
  query: "it has a query; only the origin counts",
  fragment: "it has a fragment; only the origin counts",
  name: "a name has 1 to 100 characters in one line",
}

const parseOrigin = (setting: SiteInvalid["setting"], text: string): Result.Result<URL, SiteInvalid> => {
  const fail = (reason: SiteInvalid["reason"]) => Result.fail(new SiteInvalid({ setting, reason }))
  const url = URL.parse(text.trim())
  if (url === null) return fail("not a URL")
  if (url.protocol !== "http:" && url.protocol !== "https:") return fail("scheme")
  if (url.username !== "" || url.password !== "") return fail("userinfo")
  // A host with `*` parses, and would match nothing: whoever writes it expects more.
  if (url.hostname.includes("*")) return fail("wildcard")
  if (url.pathname !== "/") return fail("path")
  if (url.search !== "") return fail("query")
  return url.hash === "" ? Result.succeed(url) : fail("fragment")
}
