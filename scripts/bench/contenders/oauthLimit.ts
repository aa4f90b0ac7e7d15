/**
 * The limit of an authorization server: `node:http`, prepared statements of node-postgres and a signature of `jose`,
 * with no framework, no router, and the checks alone that a correct answer needs.
 *
 * Its tables hold what a server must know about grants, codes and tokens, secrets as HMACs, with the indexes that the
 * look-ups and the clean-up need.
 */
import { createHmac, randomBytes } from "node:crypto"
import { exportPKCS8, generateKeyPair } from "jose"
import { withClient } from "../peers.ts"
import { file, startContestant } from "./contender.ts"
import { apiScope, people, redirectUri, resource } from "./oauthServer.ts"
import type { ClientCredentials, OAuthContender } from "./oauthServer.ts"

const schema = `
  CREATE TABLE clients (
    id text PRIMARY KEY, secret_hash text NOT NULL, grant_types text[] NOT NULL, redirect_uris text[] NOT NULL,
    scopes text[] NOT NULL, resources text[] NOT NULL, disabled_at timestamptz, created_at timestamptz NOT NULL
  );
  CREATE TABLE sessions (
    id uuid PRIMARY KEY, user_id uuid NOT NULL, token_hash text NOT NULL UNIQUE, auth_time timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
  );
  CREATE TABLE grants (
    id uuid PRIMARY KEY, client_id text NOT NULL REFERENCES clients, user_id uuid NOT NULL, scopes text[] NOT NULL,
    resources text[] NOT NULL, revoked_at timestamptz, created_at timestamptz NOT NULL, UNIQUE (user_id, client_id)
  );
  CREATE TABLE codes (
    hash text PRIMARY KEY, grant_id uuid NOT NULL REFERENCES grants, client_id text NOT NULL, redirect_uri text NOT NULL,
    challenge text NOT NULL, scopes text[] NOT NULL, resource text, auth_time timestamptz NOT NULL,
    expires_at timestamptz NOT NULL, used_at timestamptz
  );
  CREATE INDEX ON codes (expires_at);
  CREATE TABLE refresh_tokens (
    hash text PRIMARY KEY, grant_id uuid NOT NULL REFERENCES grants, scopes text[] NOT NULL, resource text,
    auth_time timestamptz NOT NULL, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, used_at timestamptz
  );
  CREATE INDEX ON refresh_tokens (grant_id);
  CREATE INDEX ON refresh_tokens (expires_at);
  CREATE TABLE access_tokens (
    hash text PRIMARY KEY, grant_id uuid NOT NULL REFERENCES grants, scopes text[] NOT NULL,
    created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL
  );
  CREATE INDEX ON access_tokens (grant_id);
  CREATE INDEX ON access_tokens (expires_at)`

const insertPeople = `
  WITH person AS (
    SELECT md5('user' || n)::uuid AS id, md5('session' || n)::uuid AS session_id, md5('grant' || n)::uuid AS grant_id, hash
    FROM unnest($1::text[]) WITH ORDINALITY AS known (hash, n)
  ), session AS (
    INSERT INTO sessions SELECT session_id, id, hash, now(), now() + interval '7 days' FROM person
  )
  INSERT INTO grants SELECT grant_id, $2, id, $3, $4, NULL, now() FROM person`

const insertClient = `INSERT INTO clients VALUES ($1, $2, $3, $4, $5, $6, NULL, now())`

/** The bare authorization server. */
export const limit: OAuthContender = {
  name: "limit",
  start: async (context, database) => {
    const databaseUrl = await context.postgres.createDatabase(database)
    const secret = randomBytes(32)
    const { privateKey } = await generateKeyPair("ES256", { extractable: true })
    const pem = await exportPKCS8(privateKey)
    const token = () => randomBytes(32).toString("base64url")
    const hash = (value: string) => createHmac("sha256", secret).update(value).digest("base64url")
    const credentials = (clientId: string): ClientCredentials => ({ clientId, clientSecret: token() })
    const clients = { machine: credentials("machine"), web: credentials("web") }
    const sessions = Array.from({ length: people }, token)
    await withClient(databaseUrl, async (client) => {
      await client.query(schema)
      const insert = (
        { clientId, clientSecret }: ClientCredentials,
        grants: ReadonlyArray<string>,
        uris: Array<string>,
      ) => client.query(insertClient, [clientId, hash(clientSecret), grants, uris, [apiScope], [resource]])
      await insert(clients.machine, ["client_credentials"], [])
      await insert(clients.web, ["authorization_code", "refresh_token"], [redirectUri])
      await client.query(insertPeople, [sessions.map(hash), clients.web.clientId, [apiScope], [resource]])
      await client.query("VACUUM ANALYZE")
    })
    const endpoints = { authorize: "/authorize", token: "/token", introspect: "/introspect", jwks: "/jwks" }
    const contestant = await startContestant(
      context,
      { name: "limit", database, path: endpoints.token, cookies: sessions.map((it) => `session=${it}`) },
      {
        name: database,
        args: [file("scripts/bench/contenders/oauthLimitServer.ts")],
        env: (port) => ({
          PORT: String(port),
          DATABASE_URL: databaseUrl,
          SECRET: secret.toString("base64"),
          SIGNING_KEY: pem,
        }),
        readyPath: endpoints.jwks,
      },
    )
    const issuerAt = (port: number) => `http://localhost:${port}`
    return { ...contestant, clients, endpoints, issuerAt, scope: apiScope, opaqueScope: apiScope }
  },
}
