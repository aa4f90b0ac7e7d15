/**
 * The endpoints of this package as their contract tells them: by what each is called, and everything that a request can
 * name.
 */
import { OrganizationApi } from "@belfry/organization/OrganizationApi"
import { OrganizationTeamsApi } from "@belfry/organization/OrganizationTeamsApi"
import { Schema } from "effect"
import { OpenApi } from "effect/http-api"

/** An endpoint. */
export interface Endpoint {
  /** `group.endpoint`. */
  readonly id: string
  readonly method: string
  /** With `{name}` where a parameter goes. */
  readonly path: string
  readonly params: ReadonlyArray<string>
  readonly query: ReadonlyArray<string>
  /** The names of members of the body, at any depth. */
  readonly body: ReadonlyArray<string>
}

const Operation = Schema.Struct({
  operationId: Schema.String,
  parameters: Schema.Array(Schema.Struct({ name: Schema.String, in: Schema.Literals(["path", "query"]) })),
  requestBody: Schema.optionalKey(
    Schema.Struct({ content: Schema.Struct({ "application/json": Schema.Struct({ schema: Schema.Json }) }) }),
  ),
})

const Specification = Schema.Struct({
  paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Operation)),
  components: Schema.Struct({ schemas: Schema.Record(Schema.String, Schema.Json) }),
})

const isObject = (json: unknown): json is { readonly [name: string]: unknown } =>
  typeof json === "object" && json !== null && !Array.isArray(json)

const endpointsOf = (specification: unknown): ReadonlyArray<Endpoint> => {
  const { components, paths } = Schema.decodeUnknownSync(Specification)(specification)
  const membersOf = (schema: unknown): ReadonlyArray<string> => {
    if (Array.isArray(schema)) return schema.flatMap(membersOf)
    if (!isObject(schema)) return []
    const { $ref: reference, properties, ...rest } = schema
    const referred = typeof reference === "string" ? components.schemas[reference.split("/").at(-1) ?? ""] : undefined
    return [
      ...(referred === undefined ? [] : membersOf(referred)),
      ...(isObject(properties) ? Object.entries(properties).flatMap(([name, it]) => [name, ...membersOf(it)]) : []),
      ...Object.values(rest).flatMap(membersOf),
    ]
  }
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { operationId, parameters, requestBody }]) => {
      const named = (place: "path" | "query") => parameters.filter((it) => it.in === place).map(({ name }) => name)
      const body = requestBody === undefined ? [] : membersOf(requestBody.content["application/json"].schema)
      return {
        id: operationId,
        method: method.toUpperCase(),
        path,
        params: named("path"),
        query: named("query"),
        body: [...new Set(body)],
      }
    }),
  )
}

/** All of them. */
export const endpoints: ReadonlyArray<Endpoint> = [
  OpenApi.fromApi(OrganizationApi),
  OpenApi.fromApi(OrganizationTeamsApi),
].flatMap((specification) => endpointsOf(JSON.parse(JSON.stringify(specification))))
