/**
 * The pages: where people sign in, and where they are asked for consent. `LoginFlow` says what waits behind them.
 */
import { LoginFlow, OAuthServerPages } from "@belfry/oauth-server"
import { Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

// Where people are sent. All other pages stay the hosted ones.
export const layerPaths = Layer.effect(
  OAuthServerPages.OAuthServerPages,
  Effect.map(OAuthServerPages.OAuthServerPages, (hosted) => ({ ...hosted, login: "/login", consent: "/agree" })),
)

// The API signs in, the cookie comes with its answer, and the way goes on where `returnTo` says.
export const layerSignIn = page(
  "/login",
  (waiting) => `<!doctype html><title>Sign in</title>
<h1>Sign in${Option.match(waiting, { onNone: () => "", onSome: (it) => ` to go on to ${nameOf(it)}` })}</h1>
<form data-return-to="${Option.match(waiting, { onNone: () => "/account", onSome: (it) => escape(it.returnTo) })}">
  <input name="email" type="email" autocomplete="username" required>
  <input name="password" type="password" autocomplete="current-password" required>
  <button>Sign in</button>
</form>
<script type="module">
  document.forms[0].onsubmit = async (event) => {
    event.preventDefault()
    const { target } = event
    const body = JSON.stringify(Object.fromEntries(new FormData(target)))
    const headers = { "content-type": "application/json" }
    const answer = await fetch("/auth/sign-in/password", { method: "POST", headers, body })
    if (answer.ok) location.assign(target.dataset.returnTo)
    else alert("That is not right")
  }
</script>`,
)

// A form is enough: it is answered with a redirect, to the client.
export const layerConsent = page("/agree", (waiting) =>
  Option.match(waiting, {
    onNone: () => "<!doctype html><title>Consent</title><p>Nobody asks for anything.</p>",
    onSome: (it) => `<!doctype html><title>Consent</title>
<h1>${nameOf(it)} would like to know</h1>
<form method="post" action="/auth/oauth2/consent">
  <input type="hidden" name="request" value="${escape(it.id)}">
  ${it.scopes.map((scope) => checkbox(escape(scope))).join("\n  ")}
  <button name="accept" value="true">Agree</button>
  <button name="accept" value="false">Rather not</button>
</form>`,
  }),
)

// internal

/** A page about what waits in this browser; what is wrong with the request is for the person, not for the client. */
function page(path: `/${string}`, body: (waiting: Waiting) => string) {
  return Layer.unwrap(
    Effect.map(LoginFlow.LoginFlow, (flow) =>
      HttpRouter.add("GET", path, (request) =>
        flow.find(request).pipe(
          Effect.map((waiting) => HttpServerResponse.text(body(waiting), { contentType: "text/html; charset=utf-8" })),
          Effect.catchTags({
            AuthorizationRefused: ({ description }) =>
              Effect.succeed(HttpServerResponse.text(description, { status: 400 })),
            StoreError: () => Effect.succeed(HttpServerResponse.text("Please try again", { status: 503 })),
          }),
        ),
      ),
    ),
  )
}

type Waiting = Effect.Success<ReturnType<LoginFlow.LoginFlow["Service"]["find"]>>

const checkbox = (scope: string) =>
  `<label><input type="checkbox" name="scope" value="${scope}" checked> ${scope}</label>`

const nameOf = ({ client }: Option.Option.Value<Waiting>) => escape(client.metadata.clientName ?? client.id)
const escape = (text: string) => text.replaceAll(/[&<>"']/gu, (character) => `&#${character.codePointAt(0)};`)
