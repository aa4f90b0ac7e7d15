/**
 * The official MCP clients, from nothing but the URL of an MCP server: in each way to be known, in each version of the
 * protocol that they speak.
 */
import { libraries } from "@belfry/testing/McpClients"
import { real } from "@belfry/testing/RealServer"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { endpointOf, layer } from "../support/McpSite.ts"
import { open, ways } from "../support/Sessions.ts"

withLayer(layer, { excludeTestServices: true })("Official MCP clients", (it) => {
  for (const library of libraries()) {
    for (const version of library.versions) {
      for (const [kind, wayFor] of Object.entries(ways)) {
        describe(`${library.name}, ${version}, ${kind}`, () => {
          it.effect("finds the authorization server, asks a person, and calls a tool", () =>
            real(async (server) => {
              const way = await wayFor(server, version)
              const { agreeing, connect, person, program } = await open(server, library, version, way)
              const { asked, pages } = await agreeing(connect)
              assert.deepStrictEqual(pages, ["/authorize/consent"])
              assert.strictEqual(asked["resource"], endpointOf(server.origin))
              assert.strictEqual(asked["scope"], library.refreshes ? "notes:read offline_access" : "notes:read")
              assert.strictEqual(asked["client_id"], program.clientInformation()?.client_id)
              if (way.kind === "document") assert.strictEqual(asked["client_id"], way.url)

              const connection = await connect()
              assert.strictEqual(connection.version, version)
              assert.deepStrictEqual((await connection.tools()).toSorted(), ["who_am_i", "write_note"])
              assert.deepStrictEqual(JSON.parse(await connection.call("who_am_i")), { subject: person.user().id })
              await connection.close()
            }),
          )

          it.effect("is let in again when its access token is over, without asking the person anything", () =>
            real(async (server) => {
              const way = await wayFor(server, `${version}-again`)
              const { agreeing, connect, program } = await open(server, library, version, way)
              await agreeing(connect)
              const connection = await connect()
              program.spoilAccessToken()
              if (library.refreshes) {
                const before = program.tokens()?.refresh_token
                await connection.call("who_am_i")
                assert.lengthOf(program.links, 1)
                assert.isString(program.tokens()?.refresh_token)
                assert.notStrictEqual(program.tokens()?.refresh_token, before)
              } else {
                const { pages } = await agreeing(() => connection.call("who_am_i"))
                assert.deepStrictEqual(pages, [])
                await connection.call("who_am_i")
              }
              await connection.close()
            }),
          )

          it.effect("asks for what a tool needs, and keeps what it has", () =>
            real(async (server) => {
              const way = await wayFor(server, `${version}-more`)
              const { agreeing, connect } = await open(server, library, version, way)
              await agreeing(connect)
              const connection = await connect()
              const { asked, pages } = await agreeing(() => connection.call("write_note"))
              assert.includeMembers((asked["scope"] ?? "").split(" "), ["notes:read", "notes:write"])
              assert.deepStrictEqual(pages, ["/authorize/consent"])
              const had = JSON.parse(await connection.call("write_note"))
              assert.deepStrictEqual(had, { scopes: ["notes:read", "notes:write"] })
              await connection.call("who_am_i")
              await connection.close()
            }),
          )

          it.effect("is refused at once when the person takes their access back, and has to ask", () =>
            real(async (server) => {
              const way = await wayFor(server, `${version}-back`)
              const { agreeing, connect, revoke } = await open(server, library, version, way)
              await agreeing(connect)
              const connection = await connect()
              await connection.call("who_am_i")
              await revoke()
              await agreeing(() => connection.call("who_am_i"))
              await connection.call("who_am_i")
              await connection.close()
            }),
          )
        })
      }
    }
  }
})
