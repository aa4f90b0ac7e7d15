/**
 * The official conformance suite for authorization servers, for each way in which a client is known.
 */
import * as FreePort from "@belfry/testing/FreePort"
import { clientMetadata } from "@belfry/testing/McpProgram"
import { real } from "@belfry/testing/RealServer"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Schema } from "effect"
import * as Conformance from "../support/Conformance.ts"
import { documents, endpointOf, layer } from "../support/McpSite.ts"
import * as baseline from "./baseline.ts"

const decodeClient = Schema.decodeUnknownSync(Schema.Struct({ client_id: Schema.String }))

withLayer(layer, { excludeTestServices: true })("The conformance suite, authorization servers", (it) => {
  const ways = {
    document: async () => `${documents}/conformance.json`,
    dynamic: async (issuer: string) => {
      const answer = await fetch(`${issuer}/oauth2/register`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(clientMetadata()),
      })
      return decodeClient(await answer.json()).client_id
    },
  }

  describe("RFC 8414 §3, OAuth 2.1 §4.1", () => {
    for (const [name, clientIn] of Object.entries(ways)) {
      it.effect(`MUST describe itself, and give tokens for a code: ${name}`, () =>
        real(async ({ issuer, origin, person }) => {
          const somebody = await person()
          const given = ["--url", issuer, "--client-id", await clientIn(issuer), "--resource", endpointOf(origin)]
          let answered: Promise<unknown> | undefined
          const report = await Conformance.run(
            "authorization",
            [...given, "--port", String(await FreePort.find())],
            (printed) => {
              const link = /^(http\S+\/authorize\?\S+)$/mu.exec(printed)?.[1]
              if (link === undefined) return
              answered ??= somebody.authorize(new URL(link)).then(({ answer }) => fetch(answer))
            },
          )
          await answered
          assert.deepStrictEqual(
            [...report].flatMap(([, checks]) => checks.map(({ id, status }) => [id, status])).toSorted(),
            [
              ["authorization-code-grant", "SUCCESS"],
              ["authorization-server-metadata", "SUCCESS"],
              ["authorization-server-metadata-cimd", "SUCCESS"],
            ],
          )
          assert.deepStrictEqual(Conformance.failures(report), Conformance.known(baseline.authorization, report))
        }),
      )
    }
  })
})
