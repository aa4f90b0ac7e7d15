/**
 * What the commands for clients do, as trusted code does it.
 */
import { unknownClient } from "@belfry/core/AuditEvent"
import { AdminClients } from "@belfry/oauth-server/AdminClients"
import {
  AdminClient,
  AdminClientWithSecret,
  IssuedRegistrationToken,
  toAdminClient,
} from "@belfry/oauth-server/AdminClientsApi"
import { ClientRegistrations } from "@belfry/oauth-server/ClientRegistrations"
import type { ClientWithSecret } from "@belfry/oauth-server/Clients"
import { ClientId, isPublic, type OAuthClient } from "@belfry/oauth-server/OAuthClient"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { print, printEach } from "./output.ts"
import { quoted, withServices } from "./services.ts"

/** What a new client is to be. */
export interface NewClient {
  readonly name: string
  readonly redirectUris: ReadonlyArray<string>
  readonly postLogoutRedirectUris: ReadonlyArray<string>
  /** All that there are, where there is none. */
  readonly scopes: ReadonlyArray<string>
  /** It can keep no secret. */
  readonly isPublic: boolean
  /** It gets tokens for itself. */
  readonly isMachine: boolean
  /** It is the host's own. */
  readonly isTrusted: boolean
}

/** Makes a client and shows it, with its secret. */
export const create = ({ name, redirectUris, postLogoutRedirectUris, scopes, ...client }: NewClient) =>
  AdminClients.use((clients) =>
    clients.create({
      metadata: {
        clientName: name,
        redirectUris,
        postLogoutRedirectUris,
        grantTypes: client.isMachine ? ["client_credentials"] : ["authorization_code", "refresh_token"],
        ...(scopes.length === 0 ? {} : { scopes }),
        ...(client.isPublic ? { tokenEndpointAuthMethod: "none" as const } : {}),
      },
      privileges: { skipConsent: client.isTrusted, enableEndSession: client.isTrusted },
      clientInfo: unknownClient,
    }),
  ).pipe(Effect.flatMap(show), withServices)

/** Lists all clients, newest first. */
export const list = () =>
  AdminClients.use(({ list }) =>
    printEach(AdminClient, {
      pageAt: (cursor) =>
        Effect.map(list({ limit: 100, cursor }), ({ clients, cursor }) => ({ items: clients, cursor })),
      line,
      value: toAdminClient,
    }),
  ).pipe(withServices)

/** Gives a client a new secret and shows it. */
export const rotate = (id: ClientId) =>
  AdminClients.use((clients) => clients.rotateSecret(id, unknownClient)).pipe(Effect.flatMap(show), withServices)

/** Lets a client in, or no longer. */
export const setDisabled = (id: ClientId, isDisabled: boolean) =>
  AdminClients.use((clients) => clients.update(id, { isDisabled }, unknownClient)).pipe(
    Effect.flatMap((client) =>
      print(AdminClient, toAdminClient(client), [`${isDisabled ? "disabled" : "enabled"} ${id}`]),
    ),
    withServices,
  )

/** Removes a client with all that it was granted. */
export const remove = (clientId: ClientId) =>
  AdminClients.use((clients) => clients.remove(clientId, unknownClient)).pipe(
    Effect.andThen(print(Removed, { clientId, isRemoved: true }, [`removed ${clientId}`])),
    withServices,
  )

/** Makes an initial access token and shows it. */
export const issueRegistrationToken = (terms: { readonly lifetime: Duration.Duration; readonly uses: number }) =>
  ClientRegistrations.use((registrations) => registrations.issueToken({ ...terms, clientInfo: unknownClient })).pipe(
    Effect.flatMap((issued) => print(IssuedRegistrationToken, issued, [Redacted.value(issued.token)])),
    withServices,
  )

// internal

const Removed = Schema.Struct({ clientId: ClientId, isRemoved: Schema.Literal(true) })

/** Names are what clients say of themselves. */
const line = (client: OAuthClient): string =>
  [
    client.id,
    isPublic(client) ? "public" : "confidential",
    ...(client.isDynamic ? ["registered itself"] : []),
    ...(client.isDisabled ? ["disabled"] : []),
    quoted(client.metadata.clientName ?? ""),
  ].join("  ")

const show = ({ client, secret }: ClientWithSecret) => {
  const shown = toAdminClient(client)
  const [current, former] = shown.secrets
  return print(
    AdminClientWithSecret,
    { ...shown, clientSecret: secret, clientSecretExpiresAt: secret === null ? null : (current?.expiresAt ?? null) },
    [
      `client_id      ${client.id}`,
      ...(secret === null ? [] : [`client_secret  ${Redacted.value(secret)}   (shown this once)`]),
      ...(former === undefined || former.expiresAt === null
        ? []
        : [`former secret  holds until ${DateTime.formatIso(former.expiresAt)}`]),
    ],
  )
}
