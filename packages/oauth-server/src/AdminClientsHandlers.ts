/**
 * HTTP adapter of clients, for administrators.
 *
 * @since 0.1.0
 */
import { RequestGuard } from "@belfry/core/ProblemApi"
import { clientInfo, seeing, storeUnavailable } from "@belfry/core/RequestHandlers"
import { Authentication, CurrentUser, FreshSession, ScopeCheck } from "@belfry/core/SessionsApi"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Struct from "effect/Struct"
import { AdminClients } from "./AdminClients.ts"
import { RegistrationTokenNotFound, toAdminClient } from "./AdminClientsApi.ts"
import { ClientRegistrations } from "./ClientRegistrations.ts"
import { clientIdOf, keptByNobody, withSecret } from "./internal/clientJson.ts"
import { ClientPrivileges } from "./OAuthClient.ts"
import { OAuthServerApi } from "./OAuthServerApi.ts"

/**
 * The handlers of `AdminClientsApi`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = HttpApiBuilder.group(
  OAuthServerApi,
  "oauthAdminClients",
  Effect.fnUntraced(function* (handlers) {
    const clients = yield* AdminClients
    const registrations = yield* ClientRegistrations

    return handlers.handleAll({
      create: ({ payload, request }) =>
        Effect.gen(function* () {
          const { referenceId = null, clientSecretExpiresAt = null, ...rest } = payload
          const { privileges, metadata } = parted(rest)
          const made = yield* clients.create({
            metadata,
            privileges,
            referenceId,
            secretExpiresAt: clientSecretExpiresAt,
            clientInfo: clientInfo(request),
            by: (yield* CurrentUser).id,
          })
          return yield* withSecret(made, toAdminClient)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      list: ({ query }) =>
        Effect.gen(function* () {
          const page = yield* clients.list(query)
          return { clients: page.clients.map(toAdminClient), cursor: page.cursor }
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      get: ({ params }) =>
        Effect.gen(function* () {
          return toAdminClient(yield* clients.get(yield* clientIdOf(params)))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      update: ({ params, payload, request }) =>
        Effect.gen(function* () {
          const { isDisabled, ...rest } = payload
          const patch = isDisabled === undefined ? parted(rest) : { ...parted(rest), isDisabled }
          const id = yield* clientIdOf(params)
          return toAdminClient(yield* clients.update(id, patch, clientInfo(request), (yield* CurrentUser).id))
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      remove: ({ params, request }) =>
        Effect.gen(function* () {
          yield* clients.remove(yield* clientIdOf(params), clientInfo(request), (yield* CurrentUser).id)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      rotateSecret: ({ params, request }) =>
        Effect.gen(function* () {
          const id = yield* clientIdOf(params)
          return yield* withSecret(
            yield* clients.rotateSecret(id, clientInfo(request), (yield* CurrentUser).id),
            toAdminClient,
          )
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      issueRegistrationToken: ({ payload, request }) =>
        Effect.gen(function* () {
          const issued = yield* registrations.issueToken({
            lifetime: Duration.seconds(payload.lifetime),
            uses: payload.uses === undefined ? 1 : payload.uses,
            clientInfo: clientInfo(request),
            by: (yield* CurrentUser).id,
          })
          return yield* Effect.as(keptByNobody, issued)
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
      revokeRegistrationToken: ({ params: { id }, request }) =>
        Effect.gen(function* () {
          const isRevoked = yield* registrations.revokeToken(id, clientInfo(request), (yield* CurrentUser).id)
          if (!isRevoked) return yield* new RegistrationTokenNotFound({ id })
        }).pipe(Effect.catchTag("StoreError", storeUnavailable)),
    })
  }),
).pipe(seeing(AdminClients, ClientRegistrations, RequestGuard, Authentication, FreshSession, ScopeCheck))

// internal

const privileged = Struct.keys(ClientPrivileges.fields)

/** What only the host decides, and the rest. */
const parted = <Fields extends Partial<ClientPrivileges>>(fields: Fields) => ({
  privileges: Struct.pick(fields, privileged),
  metadata: Struct.omit(fields, privileged),
})
