/**
 * What the URL and the text of a metadata document may be.
 */
import { ClientDocumentRefused, isDocumentId, read } from "@belfry/oauth-server/ClientMetadataDocument"
import { ClientId } from "@belfry/oauth-server/OAuthClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { hasRepeatedMembers } from "../src/internal/jsonObjects.ts"
import { answerOf, documentOf, documentUrl, type Members } from "./support/Documents.ts"

const id = ClientId.make(documentUrl)

const readBody = (...given: Parameters<typeof answerOf>) =>
  Effect.map(answerOf(...given), (response) =>
    Result.match(read(id, response), { onSuccess: () => "taken", onFailure: ({ reason }) => reason }),
  )

const readDocument = (members: Members, at: string = documentUrl) => readBody(JSON.stringify(documentOf(at, members)))

describe("Client ID Metadata Document §3", () => {
  it("MUST take an https URL with a path as an id; a port and a query may stand in it", () => {
    for (const url of [
      documentUrl,
      "https://app.example.com/a",
      "https://app.example.com/a/",
      "https://app.example.com:8443/client.json",
      "https://app.example.com/client?of=a",
      "https://xn--bcher-kva.example/client.json",
      "https://app.example.com/a%20b",
    ]) {
      assert.isTrue(isDocumentId(url), url)
    }
  })

  it("MUST NOT take another scheme, no path, segments of dots, a fragment, or a user name and password", () => {
    for (const url of [
      "http://app.example.com/client.json",
      "http://localhost/client.json",
      "ftp://app.example.com/client.json",
      "javascript:alert(1)",
      "https://app.example.com",
      "https://app.example.com/",
      "https://app.example.com/a/../client.json",
      "https://app.example.com/./client.json",
      "https://app.example.com/a/%2e%2e/client.json",
      "https://app.example.com/%2E/client.json",
      "https://app.example.com/client.json#",
      "https://app.example.com/client.json#a",
      "https://user@app.example.com/client.json",
      "https://user:secret@app.example.com/client.json",
      "https://@app.example.com/client.json",
      "https:app.example.com/client.json",
      "https:///app.example.com/client.json",
      "client.json",
      "",
    ]) {
      assert.isFalse(isDocumentId(url), url)
    }
  })

  it("MUST NOT take a URL that a parser reads as another one: case, default port, trailing dot, backslashes", () => {
    for (const url of [
      "HTTPS://app.example.com/client.json",
      "https://APP.example.com/client.json",
      "https://app.example.com:443/client.json",
      "https://app.example.com:0443/client.json",
      "https://app.example.com./client.json",
      "https://app.example.com\\client.json",
      "https://app.example.com/a\tb",
      " https://app.example.com/client.json",
      "https://app.example.com/client.json ",
      "https://app.example.com/cl\u00efent.json",
      "https://b\u00fccher.example/client.json",
      "https://app.ex%61mple.com/client.json",
      "https://0x7f.1/client.json",
      "https://2130706433/client.json",
      `https://app.example.com/${"x".repeat(255)}`,
    ]) {
      assert.isFalse(isDocumentId(url), url)
    }
  })
})

describe("Client ID Metadata Document §4", () => {
  it.effect("MUST NOT take a document that names another client_id, compared byte for byte", () =>
    Effect.gen(function* () {
      for (const other of [
        "https://APP.example.com/oauth/client.json",
        "https://app.example.com:443/oauth/client.json",
        "https://app.example.com./oauth/client.json",
        "https://app.example.com/oauth/%63lient.json",
        "https://app.example.com/oauth/client.json?",
        "https://app.example.com/oauth/client.json#",
        "https://user@app.example.com/oauth/client.json",
        `${documentUrl} `,
        "",
      ]) {
        assert.strictEqual(yield* readDocument({}, other), "client_id", other)
      }
      assert.strictEqual(yield* readDocument({ client_id: undefined }), "client_id")
      assert.strictEqual(yield* readDocument({ client_id: [documentUrl] }), "client_id")
      assert.strictEqual(yield* readDocument({}), "taken")
    }),
  )

  it.effect("MUST NOT tell one query from another by its meaning", () =>
    Effect.gen(function* () {
      const response = yield* answerOf(JSON.stringify(documentOf("https://app.example.com/c?a=1&b=2")))
      assert.isTrue(Result.isSuccess(read(ClientId.make("https://app.example.com/c?a=1&b=2"), response)))
      assert.isTrue(Result.isFailure(read(ClientId.make("https://app.example.com/c?b=2&a=1"), response)))
    }),
  )

  it.effect("MUST NOT take a document with a secret, or with a method that shares one", () =>
    Effect.gen(function* () {
      for (const members of [
        { client_secret: "x" },
        { client_secret: null },
        { client_secret: "" },
        { client_secret_expires_at: 0 },
      ]) {
        assert.strictEqual(yield* readDocument(members), "secret", JSON.stringify(members))
      }
      for (const method of [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "tls_client_auth",
        "",
        null,
        7,
      ]) {
        const got = yield* readDocument({ token_endpoint_auth_method: method })
        assert.strictEqual(got, "method", JSON.stringify(method))
      }
      assert.strictEqual(yield* readDocument({ token_endpoint_auth_method: "private_key_jwt" }), "taken")
    }),
  )

  it.effect("MUST be of a public client where the document names no method", () =>
    Effect.gen(function* () {
      const document = documentOf(documentUrl, { token_endpoint_auth_method: undefined })
      const said = Result.getOrThrow(read(id, yield* answerOf(JSON.stringify(document))))
      assert.strictEqual(said["token_endpoint_auth_method"], "none")
    }),
  )
})

describe("Model Context Protocol Authorization: Client ID Metadata Documents", () => {
  it.effect("MUST have client_id, client_name and redirect_uris", () =>
    Effect.gen(function* () {
      for (const name of [undefined, null, "", " ", 7]) {
        assert.strictEqual(yield* readDocument({ client_name: name }), "name", JSON.stringify(name))
      }
      for (const uris of [undefined, null, [], "https://a.example/", {}]) {
        assert.strictEqual(yield* readDocument({ redirect_uris: uris }), "redirect_uris", JSON.stringify(uris))
      }
    }),
  )
})

describe("Client ID Metadata Document §5", () => {
  it.effect("MUST be answered with 200, and as JSON", () =>
    Effect.gen(function* () {
      const text = JSON.stringify(documentOf(documentUrl))
      for (const status of [201, 204, 206, 301, 302, 303, 307, 308, 304, 404, 500]) {
        assert.strictEqual(yield* readBody(text, { status }), "status", String(status))
      }
      for (const type of [
        "text/html",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/json5",
        "application/xjson",
        "application/+json",
        "x-application/json",
        "",
      ]) {
        assert.strictEqual(yield* readBody(text, { headers: { "content-type": type } }), "content-type", type)
      }
      for (const type of [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/cimd+json",
      ]) {
        assert.strictEqual(yield* readBody(text, { headers: { "content-type": type } }), "taken", type)
      }
    }),
  )

  it.effect("MUST be a JSON object: in UTF-8, not deep, with each member once", () =>
    Effect.gen(function* () {
      const good = JSON.stringify(documentOf(documentUrl))
      const malformed: ReadonlyArray<string | Uint8Array> = [
        "",
        "null",
        "[]",
        `[${good}]`,
        `"${documentUrl}"`,
        good.slice(0, -1),
        `${good}x`,
        `\uFEFF${good}`,
        new Uint8Array([0xff, 0xfe, 0x7b, 0x7d]),
        `{"client_id":"${documentUrl}","a":${"[".repeat(2000)}${"]".repeat(2000)}}`,
        `{"a":${'{"a":'.repeat(500)}1${"}".repeat(500)}}`,
      ]
      for (const body of malformed) {
        assert.strictEqual(yield* readBody(body), "malformed", String(body).slice(0, 80))
      }
      const open = good.slice(0, -1)
      for (const repeated of [
        `${open},"redirect_uris":["https://evil.example/"]}`,
        `${open},"client_\\u0069d":"https://evil.example/client.json"}`,
        `{"client_id":"https://evil.example/c",${good.slice(1)}`,
        `${open},"jwks":{"keys":[{"kid":"a","kid":"b"}]}}`,
      ]) {
        assert.strictEqual(yield* readBody(repeated), "repeated", repeated)
      }
    }),
  )

  it("finds members that stand twice, and none in what only looks like it", () => {
    const once = [
      "{}",
      '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}',
      '{"a":"\\"a\\":1,\\"a\\":2"}',
      '{"a":"a","b":"a"}',
      '{"a":["a","a"]}',
      '{"a\\"":1,"a":2}',
      '{"a\\\\":1,"a":2}',
    ]
    for (const text of once) assert.isFalse(hasRepeatedMembers(text), text)
    const twice = ['{"a":1,"a":2}', '{"a" :1,"\\u0061"\n:2}', '[{"b":{"a":[],"a":0}}]', '{"a":{"a":1},"a":1}']
    for (const text of twice) assert.isTrue(hasRepeatedMembers(text), text)
  })
})

describe("Client ID Metadata Document §8.7", () => {
  it.effect("SHOULD NOT be larger than 5 kilobytes", () =>
    Effect.gen(function* () {
      const sized = (length: number) => {
        const text = JSON.stringify(documentOf(documentUrl, { pad: "" }))
        return text.replace('"pad":""', `"pad":"${"x".repeat(length - text.length)}"`)
      }
      assert.strictEqual(yield* readBody(sized(5120)), "taken")
      assert.strictEqual(yield* readBody(sized(5121)), "too-large")
    }),
  )
})

describe("What a document says", () => {
  it.effect("has a logo only where it is of the document's own origin", () =>
    Effect.gen(function* () {
      const logoOf = (logo: string) =>
        Effect.map(
          answerOf(JSON.stringify(documentOf(documentUrl, { logo_uri: logo, "logo_uri#fr": logo }))),
          (answer) =>
            Object.keys(Result.getOrThrow(read(id, answer))).filter((member) => member.startsWith("logo_uri")),
        )
      assert.lengthOf(yield* logoOf("https://app.example.com/logo.png"), 2)
      for (const logo of [
        "https://bank.example/logo.png",
        "https://app.example.com.evil.example/logo.png",
        "https://app.example.com:8443/logo.png",
        "http://app.example.com/logo.png",
        "data:image/png;base64,AAAA",
        "/logo.png",
      ]) {
        assert.lengthOf(yield* logoOf(logo), 0, logo)
      }
    }),
  )

  it.effect("has nothing for which others would be asked, or would vouch", () =>
    Effect.gen(function* () {
      const members = {
        software_statement: "x.y.z",
        sector_identifier_uri: "https://other.example/",
        subject_type: "pairwise",
      }
      const said = Result.getOrThrow(read(id, yield* answerOf(JSON.stringify(documentOf(documentUrl, members)))))
      for (const member of Object.keys(members)) assert.notProperty(said, member)
    }),
  )

  it("is told why it cannot be used, and nothing of what stands in it", () => {
    const refused = new ClientDocumentRefused({ reason: "metadata", detail: "A URI has a fragment" })
    assert.strictEqual(
      refused.message,
      "The client's metadata document describes a client that cannot be taken: A URI has a fragment",
    )
  })
})
