/**
 * Adapters and how they are swapped: the code of the README, compiled as it stands there. The tests build the layers.
 */
import { MemoryStores, RedisRateLimitStore, SmtpMailer, SqlRateLimitStore, SqlStores } from "@belfry/core"
import { Redacted } from "effect"

const url = Redacted.make("smtps://belfry:secret@mail.example:465")
const from = "Belfry <hello@example.com>"

// #region adapters
const Stores = SqlStores.layer // PostgreSQL or PGlite, whichever SqlClient is provided
const InMemory = MemoryStores.layer // or memory, for tests
const Mail = SmtpMailer.layer({ url, from }) // or a Mailer of your own: Layer.succeed(Mailer, { send })
const Limits = RedisRateLimitStore.layer() // or SqlRateLimitStore.layer
// #endregion

/** All of them, by what they take the place of. */
export const adapters = { stores: [Stores, InMemory], mail: [Mail], limits: [Limits, SqlRateLimitStore.layer] }
