import { OutboundFailed, type OutboundResponse } from "@belfry/core/Outbound"
import * as Microsoft from "@belfry/oauth-client/Microsoft"
import { type Claims, ProviderUnavailable } from "@belfry/oauth-client/OAuthTokens"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import {
  calls,
  contextOf,
  json,
  profileOf,
  providersOf,
  reveal,
  sourceOf,
  strategyOf,
  tokensOf,
} from "./support/strategies.ts"

const client = { clientId: "7f0c2f7e-0000-4000-8000-000000000001", clientSecret: Redacted.make("secret") }
const acme = "3f1e0d5c-8c0f-4a55-9a47-0b1f3f6c7d21"
const globex = "b9d5c1de-2b5a-4b8e-8f6b-0a7a0f0d4c11"
const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

const ada = {
  sub: "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
  oid: "00000000-0000-0000-66f3-3332eca7ea81",
  tid: acme,
  name: "Ada",
  email: "ada@acme.example",
  preferred_username: "ada.l@acme.example",
}

const without = (claims: Claims, ...names: ReadonlyArray<string>): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))

/** The profile without a photo. */
const profile = (source: Parameters<typeof sourceOf>[0]) => {
  const options = Microsoft.options({ ...client, disableProfilePhoto: true })
  return profileOf(strategyOf(options), sourceOf(source), contextOf(options))
}

const photoUrl = (size: number) => `https://graph.microsoft.com/v1.0/me/photos/${size}x${size}/$value`
const photo = (type: string | null, body = new Uint8Array([1, 2, 3]), status = 200): OutboundResponse => ({
  status,
  headers: type === null ? {} : { "content-type": type },
  body,
})

const photographed = (
  settings: Microsoft.MicrosoftSettings,
  answers: Parameters<typeof calls>[0],
  tokens = tokensOf(),
) => {
  const http = calls(answers)
  const options = Microsoft.options({ ...client, ...settings })
  return Effect.map(
    profileOf(strategyOf(options), sourceOf({ claims: ada, tokens }), contextOf(options, http)),
    (found) => ({ image: found?.image, requests: http.requests }),
  )
}

describe("Microsoft", () => {
  it.effect("has its endpoints and keys per tenant", () =>
    Effect.gen(function* () {
      const [everybody] = yield* providersOf(Microsoft.layer(client))
      assert.strictEqual(everybody?.id, "microsoft")
      assert.strictEqual(
        everybody?.authorizationEndpoint,
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
      )
      assert.strictEqual(everybody?.tokenEndpoint, "https://login.microsoftonline.com/common/oauth2/v2.0/token")
      assert.strictEqual(everybody?.jwksUri, "https://login.microsoftonline.com/common/discovery/v2.0/keys")
      assert.strictEqual(everybody?.userinfoEndpoint, "https://graph.microsoft.com/oidc/userinfo")
      assert.isNull(everybody?.issuer)
      assert.isNull(everybody?.discoveryUrl)
      assert.strictEqual(everybody?.responseMode, "query")
      assert.deepStrictEqual(everybody?.scopes, ["openid", "profile", "email", "offline_access", "User.Read"])
      assert.strictEqual(everybody?.tokenEndpointAuthMethod, "client_secret_post")

      const [one] = yield* providersOf(
        Microsoft.layer({ ...client, tenant: acme.toUpperCase(), authority: "https://login.microsoftonline.us/" }),
      )
      assert.strictEqual(one?.issuer, `https://login.microsoftonline.us/${acme}/v2.0`)
      assert.strictEqual(one?.jwksUri, `https://login.microsoftonline.us/${acme}/discovery/v2.0/keys`)
    }),
  )

  it.effect("is asked by a public client when there is no secret", () =>
    Effect.gen(function* () {
      const [microsoft] = yield* providersOf(Microsoft.layer({ clientId: client.clientId }))
      assert.strictEqual(microsoft?.tokenEndpointAuthMethod, "none")
    }),
  )

  it.effect("takes no tenant by a name that no issuer has", () =>
    Effect.gen(function* () {
      for (const tenant of ["acme.onmicrosoft.example", "", "common/../organizations", `${acme}/`]) {
        const error = yield* Effect.flip(providersOf(Microsoft.layer({ ...client, tenant })))
        assert.strictEqual(error._tag, "ProviderInvalid", tenant)
      }
    }),
  )

  describe("an issuer", () => {
    const issuerOf = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`
    const accepts = (tenant: string, issuer: string, claims: Claims) => {
      const options = Microsoft.options({ ...client, tenant })
      return strategyOf(options).acceptsIssuer?.(issuer, claims, contextOf(options))
    }
    for (const [tenant, admitted] of [
      ["common", [acme, globex, consumers]],
      ["organizations", [acme, globex]],
      ["consumers", [consumers]],
      [acme, [acme]],
      [acme.toUpperCase(), [acme]],
    ] as const) {
      it.effect(`of ${tenant} is the one of the token's own tenant, if it is admitted`, () =>
        Effect.sync(() => {
          for (const tid of [acme, globex, consumers]) {
            const isAdmitted = admitted.some((one) => one === tid)
            assert.strictEqual(accepts(tenant, issuerOf(tid), { tid }), isAdmitted, tid)
            for (const issuer of [
              issuerOf("{tenantid}"),
              issuerOf(tenant === acme ? globex : tenant),
              issuerOf(tid === acme ? globex : acme),
              `https://login.microsoftonline.com.evil.example/${tid}/v2.0`,
              `https://sts.windows.net/${tid}/`,
              `${issuerOf(tid)}/`,
            ]) {
              assert.isFalse(accepts(tenant, issuer, { tid }), issuer)
            }
            assert.isFalse(accepts(tenant, issuerOf(tid), {}), "no tid")
          }
        }),
      )
    }

    it.effect("is none whose tenant is no id", () =>
      Effect.sync(() => {
        for (const tid of ["common", "{tenantid}", "..", `${acme}/x`, ""]) {
          assert.isFalse(accepts("common", issuerOf(tid), { tid }), tid)
        }
      }),
    )
  })

  describe("an address", () => {
    it.effect("is the e-mail claim, else a name that is one, else the first that is listed as verified", () =>
      Effect.gen(function* () {
        const all = { ...ada, upn: "upn@acme.example", verified_primary_email: ["first@acme.example"] }
        const emailWithout = (...names: ReadonlyArray<string>) =>
          Effect.map(profile({ claims: without(all, ...names), userinfo: null }), (found) => found?.email)
        assert.strictEqual(yield* emailWithout(), "ada@acme.example")
        assert.strictEqual(yield* emailWithout("email"), "ada.l@acme.example")
        assert.strictEqual(yield* emailWithout("email", "preferred_username"), "upn@acme.example")
        assert.strictEqual(yield* emailWithout("email", "preferred_username", "upn"), "first@acme.example")
        assert.isNull(yield* emailWithout("email", "preferred_username", "upn", "verified_primary_email"))
        const phone = { ...without(ada, "email"), preferred_username: "+49 170 000000" }
        assert.isNull((yield* profile({ claims: phone, userinfo: null }))?.email)
        const secondary = { ...phone, verified_secondary_email: ["second@acme.example"] }
        const found = yield* profile({ claims: secondary, userinfo: null })
        assert.strictEqual(found?.email, "second@acme.example")
        assert.isTrue(found?.emailVerified)
      }),
    )

    // Each row: what the token says beside the address, and whether the address counts as verified.
    const matrix: ReadonlyArray<readonly [claims: Claims, verified: boolean]> = [
      [{}, false],
      [{ email_verified: true }, true],
      [{ email_verified: "true" }, true],
      [{ email_verified: false }, false],
      [{ email_verified: "false" }, false],
      [{ email_verified: null }, false],
      [{ email_verified: "yes" }, false],
      [{ xms_edov: true }, true],
      [{ xms_edov: "1" }, true],
      [{ xms_edov: 1 }, true],
      [{ xms_edov: false }, false],
      [{ xms_edov: "0" }, false],
      [{ email_verified: true, xms_edov: false }, false],
      [{ email_verified: false, xms_edov: true }, false],
      [{ verified_primary_email: ["ada@acme.example"] }, true],
      [{ verified_primary_email: ["ADA@Acme.example"] }, true],
      [{ verified_primary_email: "ada@acme.example" }, true],
      [{ verified_secondary_email: ["other@acme.example", "ada@acme.example"] }, true],
      [{ verified_primary_email: ["other@acme.example"] }, false],
      [{ verified_primary_email: [] }, false],
      [{ verified_primary_email: [["ada@acme.example"]] }, false],
      [{ email_verified: false, verified_primary_email: ["ada@acme.example"] }, false],
      [{ email_verified: true, xms_edov: false, verified_primary_email: ["ada@acme.example"] }, true],
    ]
    for (const [claims, verified] of matrix) {
      it.effect(`counts as ${verified ? "verified" : "unverified"} with ${JSON.stringify(claims)}`, () =>
        Effect.gen(function* () {
          const found = yield* profile({ claims: { ...ada, ...claims } })
          assert.strictEqual(found?.email, ada.email)
          assert.strictEqual(found?.emailVerified, verified)
        }),
      )
    }

    it.effect("that is not the e-mail claim is not verified by what speaks of that claim", () =>
      Effect.gen(function* () {
        const claims = { ...without(ada, "email"), email_verified: true, xms_edov: true }
        const found = yield* profile({ claims, userinfo: null })
        assert.strictEqual(found?.email, "ada.l@acme.example")
        assert.isFalse(found?.emailVerified)
        const listed = { ...claims, verified_primary_email: ["ada.l@acme.example"] }
        assert.isTrue((yield* profile({ claims: listed, userinfo: null }))?.emailVerified)
      }),
    )

    it.effect("of UserInfo is not verified by the ID token", () =>
      Effect.gen(function* () {
        const claims = { ...without(ada, "email", "preferred_username"), email_verified: true }
        const found = yield* profile({ claims, userinfo: { sub: ada.sub, email: "eve@evil.example" } })
        assert.strictEqual(found?.email, "eve@evil.example")
        assert.isFalse(found?.emailVerified)
      }),
    )
  })

  it.effect("is asked for UserInfo when the ID token lacks something, and only then", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* profile({ claims: ada }), {
        accountId: ada.sub,
        email: ada.email,
        emailVerified: false,
        name: ada.name,
        image: null,
        raw: ada,
      })
      const userinfo = { sub: ada.sub, name: "A. L.", picture: "https://graph.microsoft.com/v1.0/me/photo/$value" }
      const found = yield* profile({ claims: without(ada, "name"), userinfo })
      assert.strictEqual(found?.name, "A. L.")
      assert.isNull(found?.image)
      const failed = new ProviderUnavailable({ providerId: "microsoft", endpoint: "userinfo", reason: "status" })
      assert.strictEqual(yield* Effect.flip(profile({ claims: without(ada, "email"), userinfo: failed })), failed)
      assert.strictEqual((yield* profile({ claims: without(ada, "name"), userinfo: failed }))?.email, ada.email)
      assert.isNull(yield* profile({ claims: null, userinfo: {} }))
    }),
  )

  describe("a photo", () => {
    for (const size of [48, 64, 96, 120, 240, 360, 432, 504, 648] as const) {
      it.effect(`of ${size} pixels becomes a data URI`, () =>
        Effect.gen(function* () {
          const { image, requests } = yield* photographed(
            { profilePhotoSize: size },
            { [photoUrl(size)]: photo("image/jpeg; charset=binary") },
          )
          assert.strictEqual(image, "data:image/jpeg;base64,AQID")
          assert.lengthOf(requests, 1)
          assert.strictEqual(requests[0]?.headers?.["authorization"], "Bearer access")
        }),
      )
    }

    it.effect("has 48 pixels by default, and comes from where Graph is", () =>
      Effect.gen(function* () {
        const { image, requests } = yield* photographed(
          { graphUrl: "https://graph.microsoft.us/" },
          { "https://graph.microsoft.us/v1.0/me/photos/48x48/$value": photo("image/png") },
        )
        assert.strictEqual(image, "data:image/png;base64,AQID")
        assert.strictEqual(requests[0]?.trust, "configured")
      }),
    )

    for (const [what, answer] of [
      ["that is not there", photo("image/jpeg", undefined, 404)],
      ["that may not be read", json({ error: { code: "Forbidden" } }, 403)],
      ["that is JSON", json({})],
      ["that is SVG", photo("image/svg+xml")],
      ["of no type", photo(null)],
      ["that is empty", photo("image/jpeg", new Uint8Array())],
      ["that is larger than a row should be", photo("image/jpeg", new Uint8Array(48 * 1024 + 1))],
      ["behind a broken connection", Effect.fail(new OutboundFailed({ reason: "connection" }))],
    ] as const) {
      it.effect(`${what} is none, and the sign-in goes on`, () =>
        Effect.gen(function* () {
          const { image } = yield* photographed({}, { [photoUrl(48)]: answer })
          assert.isNull(image)
        }),
      )
    }

    it.effect("is waited for 3 seconds", () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(photographed({}, { [photoUrl(48)]: Effect.never }))
        yield* TestClock.adjust("2999 millis")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.isNull((yield* Fiber.join(fiber)).image)
      }),
    )

    it.effect("is not asked for when it is not wanted, nor without an access token", () =>
      Effect.gen(function* () {
        assert.lengthOf((yield* photographed({ disableProfilePhoto: true }, {})).requests, 0)
        assert.lengthOf((yield* photographed({}, {}, tokensOf({ accessToken: null }))).requests, 0)
      }),
    )
  })

  it.effect("is told the scopes again on refresh, so that another refresh follows", () =>
    Effect.sync(() => {
      const options = Microsoft.options(client)
      const scope = (granted: string | null) =>
        strategyOf(options).refreshParams?.(tokensOf({ scope: granted }), contextOf(options))
      assert.deepStrictEqual(scope("openid profile User.Read"), { scope: "openid profile User.Read offline_access" })
      assert.deepStrictEqual(scope("offline_access  Mail.Read"), { scope: "offline_access Mail.Read" })
      assert.deepStrictEqual(scope(null), { scope: "openid profile email offline_access User.Read" })
    }),
  )

  describe("by the environment", () => {
    const environment = {
      BELFRY_MICROSOFT_CLIENT_ID: client.clientId,
      BELFRY_MICROSOFT_CLIENT_SECRET: "secret",
      BELFRY_MICROSOFT_TENANT: acme,
      BELFRY_MICROSOFT_AUTHORITY: "https://login.microsoftonline.us",
      BELFRY_MICROSOFT_GRAPH_URL: "https://graph.microsoft.us",
      BELFRY_MICROSOFT_PROFILE_PHOTO_SIZE: "96",
    }

    it.effect("is there when its client is, with or without a secret", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* providersOf(Microsoft.layerConfig), [])
        const [minimal] = yield* providersOf(Microsoft.layerConfig, {
          BELFRY_MICROSOFT_CLIENT_ID: client.clientId,
          BELFRY_MICROSOFT_CLIENT_SECRET: "",
        })
        assert.strictEqual(minimal?.tokenEndpointAuthMethod, "none")
        assert.include(minimal?.tokenEndpoint, "/common/")
        const [full] = yield* providersOf(Microsoft.layerConfig, environment)
        assert.strictEqual(reveal(full?.clientSecret), "secret")
        assert.strictEqual(full?.issuer, `https://login.microsoftonline.us/${acme}/v2.0`)
        assert.strictEqual(full?.userinfoEndpoint, "https://graph.microsoft.us/oidc/userinfo")
      }),
    )

    it.effect("asks for a photo of the size that is set, or for none", () =>
      Effect.gen(function* () {
        const requests = (more: Readonly<Record<string, string>>) =>
          Effect.gen(function* () {
            const http = calls()
            const [provider] = yield* providersOf(Microsoft.layerConfig, { ...environment, ...more })
            const strategy = provider?.strategy ?? {}
            yield* profileOf(strategy, sourceOf({ claims: ada }), contextOf(Microsoft.options(client), http))
            return http.requests.map(({ url }) => url)
          })
        assert.deepStrictEqual(yield* requests({}), ["https://graph.microsoft.us/v1.0/me/photos/96x96/$value"])
        assert.deepStrictEqual(yield* requests({ BELFRY_MICROSOFT_DISABLE_PROFILE_PHOTO: "true" }), [])
      }),
    )

    it.effect("fails for a size that Microsoft has not, and for a tenant that is none", () =>
      Effect.gen(function* () {
        for (const size of ["50", "48x48", "0", "-48"]) {
          const error = yield* Effect.flip(
            providersOf(Microsoft.layerConfig, { ...environment, BELFRY_MICROSOFT_PROFILE_PHOTO_SIZE: size }),
          )
          assert.strictEqual(error._tag, "ConfigError", size)
        }
        const tenant = yield* Effect.flip(
          providersOf(Microsoft.layerConfig, { ...environment, BELFRY_MICROSOFT_TENANT: "acme.example" }),
        )
        assert.strictEqual(tenant._tag, "ProviderInvalid")
      }),
    )
  })
})
