/**
 * HTTP contract of links by e-mail: send one, and follow it.
 *
 * @since 0.1.0
 */
import { asProblem, limited } from "@belfry/core/ProblemApi"
import { Transport } from "@belfry/core/SessionsApi"
import { TokenInvalidProblem, TokenText } from "@belfry/core/UsersApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { OtherBrowser } from "./MagicLink.ts"
import { refused, SignInContinued, SignInMail, SignInResult } from "./SignInAttemptsApi.ts"

/**
 * The endpoints of links by e-mail.
 *
 * @category api
 * @since 0.1.0
 */
export class MagicLinksApi extends HttpApiGroup.make("magicLinks")
  .add(
    HttpApiEndpoint.post("send", "/sign-in/magic-link/send", {
      payload: SignInMail,
      success: SignInContinued,
      error: [refused, limited],
    }).annotate(OpenApi.Summary, "Sends a link; the answer never tells whether the address is known"),
    HttpApiEndpoint.post("prove", "/sign-in/magic-link", {
      payload: Schema.Struct({ token: TokenText, transport: Schema.optionalKey(Transport) }),
      success: SignInResult,
      error: [TokenInvalidProblem, OtherBrowser.pipe(asProblem({ status: 403, title: "Forbidden" })), refused, limited],
    }).annotate(
      OpenApi.Summary,
      "Signs in, or up, by the token from the mail, with the attempt of the browser that asked for it",
    ),
  )
  .annotateMerge(
    OpenApi.annotations({ title: "Magic links", description: "Signing in by a link that comes by mail" }),
  ) {}
