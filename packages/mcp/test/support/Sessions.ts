/**
 * Programs on the official clients, and the people who use them.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { Consents } from "@belfry/oauth-server/Consents"
import type { Library } from "@belfry/testing/McpClients"
import { clientMetadata, nowhere, Program, type Way } from "@belfry/testing/McpProgram"
import type { RealServer } from "@belfry/testing/RealServer"
import { assert } from "@effect/vitest"
import { documents, endpointOf } from "./McpSite.ts"

type Server = RealServer["Service"]

/** The ways to be known, for a program that is called so. */
export const ways: Readonly<Record<Way["kind"], (server: Server, name: string) => Promise<Way>>> = {
  document: async (_, name) => ({ kind: "document", url: `${documents}/${name}.json` }),
  dynamic: async () => ({ kind: "dynamic" }),
  "pre-registered": async (server) => {
    const { id, secret } = await server.client({
      clientName: clientMetadata().client_name,
      redirectUris: [nowhere],
      grantTypes: ["authorization_code", "refresh_token"],
      scopes: ["offline_access", "notes:read", "notes:write"],
    })
    return { kind: "pre-registered", id, secret }
  },
}

/** A program of somebody who is signed in. */
export const open = async (server: Server, library: Library, version: string, way: Way) => {
  const person = await server.person()
  const program = new Program(way)
  const attempt = library.attempt(endpointOf(server.origin), version, program)
  return {
    connect: attempt.connect,
    person,
    program,
    /** Does what takes a person, who then agrees to everything: the link that they followed, and the pages they saw. */
    agreeing: async (act: () => Promise<unknown>) => {
      const asked = program.links.length
      const failed = await failureOf(act())
      assert.isTrue(library.needsPerson(failed), String(failed))
      const link = program.links[asked] ?? assert.fail("nobody was asked")
      assert.lengthOf(program.links, asked + 1)
      const { answer, pages } = await person.authorize(link)
      await attempt.finish(program.read(answer))
      return { asked: Object.fromEntries(link.searchParams), pages }
    },
    /** Takes back, as the person, every access that they gave. */
    revoke: () => server.run(Consents.use((consents) => consents.revokeGrants(person.user().id, unknownClient))),
  }
}

/** Why something failed. */
export const failureOf = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    (value) => assert.fail(`it did not fail: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
