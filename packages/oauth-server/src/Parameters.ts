/**
 * The parameters of a protocol request.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * The parameters of a request by name. An empty value counts as absent; only `resource` and `audience` may stand more
 * than once.
 *
 * @see [RFC 6749 §3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-3.1)
 * @see [RFC 8707 §2](https://www.rfc-editor.org/rfc/rfc8707.html#section-2)
 * @category models
 * @since 0.1.0
 */
export interface Parameters {
  /** The value of a parameter; the first one where several may stand. */
  readonly get: (name: string) => string | undefined
  /** All values of a parameter, in order. */
  readonly all: (name: string) => ReadonlyArray<string>
  readonly names: ReadonlyArray<string>
}

/**
 * A parameter stands twice.
 *
 * @category errors
 * @since 0.1.0
 */
export class ParameterRepeated extends Schema.TaggedError<ParameterRepeated>("@belfry/oauth-server/ParameterRepeated")(
  "ParameterRepeated",
  { names: Schema.Array(Schema.String) },
) {
  override get message(): string {
    return "A parameter is repeated"
  }
}

const repeatable = new Set(["resource", "audience"])

/** Names of the OAuth Parameters registry, as far as endpoints of this server read them. */
const protocolNames = new Set([
  "access_token",
  "acr_values",
  "claims",
  "client_assertion",
  "client_assertion_type",
  "client_id",
  "client_secret",
  "code",
  "code_challenge",
  "code_challenge_method",
  "code_verifier",
  "display",
  "grant_type",
  "id_token_hint",
  "login_hint",
  "max_age",
  "nonce",
  "post_logout_redirect_uri",
  "prompt",
  "redirect_uri",
  "refresh_token",
  "registration",
  "request",
  "request_uri",
  "response_mode",
  "response_type",
  "scope",
  "state",
  "token",
  "token_type_hint",
  "ui_locales",
])

/**
 * Parameters as they are, repeated or not: to find out where a request came from before it is refused.
 *
 * @category constructors
 * @since 0.1.0
 */
export const lenient = (search: URLSearchParams): Parameters => read(search).parameters

/**
 * Reads parameters; fails with the names of those that stand twice and must not. Names are told as they are only when
 * the protocol knows them, so that nothing foreign is repeated.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (search: URLSearchParams): Result.Result<Parameters, ParameterRepeated> => {
  const { parameters, repeated } = read(search)
  return repeated.size === 0
    ? Result.succeed(parameters)
    : Result.fail(new ParameterRepeated({ names: [...repeated].filter((name) => protocolNames.has(name)) }))
}

// internal

const none: ReadonlyArray<string> = []

/** The parameters, and the names of those that stand twice, empty or not, and must not. */
const read = (search: URLSearchParams): { readonly parameters: Parameters; readonly repeated: ReadonlySet<string> } => {
  const values = new Map<string, Array<string>>()
  const repeated = new Set<string>()
  for (const [name, value] of search) {
    const known = values.get(name)
    if (known === undefined) values.set(name, value === "" ? [] : [value])
    else if (value !== "") known.push(value)
    if (known !== undefined && !repeatable.has(name)) repeated.add(name)
  }
  const parameters: Parameters = {
    get: (name) => values.get(name)?.[0],
    all: (name) => values.get(name) ?? none,
    // Few ask for them.
    get names() {
      return [...values].flatMap(([name, all]) => (all.length === 0 ? none : name))
    },
  }
  return { parameters, repeated }
}
