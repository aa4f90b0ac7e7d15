/**
 * An authenticator app: it reads an `otpauth:` URI and shows codes.
 *
 * It is written from the specifications alone, over Node's HMAC, so that a test compares two computations.
 *
 * @since 0.1.0
 */
import { type ClientInfo, unknownClient } from "@belfry/core/AuditEvent"
import type { Session } from "@belfry/core/Session"
import type { User } from "@belfry/core/User"
import { Totps } from "@belfry/factors/Totps"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { createHmac } from "node:crypto"

/**
 * What an app knows after it read the URI. `moving` is the period of a TOTP in seconds, or the first counter of a HOTP.
 *
 * @category models
 * @since 0.1.0
 */
export interface Authenticator {
  readonly type: string
  readonly issuer: string
  readonly account: string
  /** Base32. */
  readonly secret: Redacted.Redacted
  readonly algorithm: string
  readonly digits: number
  readonly moving: number
  /** The code of a time step or of a counter. */
  readonly code: (counter: number) => Redacted.Redacted
  /** The code of the time step of an instant. */
  readonly codeAt: (now: DateTime.Utc) => Redacted.Redacted
}

/**
 * Reads an `otpauth:` URI. Dies when it is not one.
 *
 * @see [Key URI Format](https://github.com/google/google-authenticator/wiki/Key-Uri-Format)
 * @category constructors
 * @since 0.1.0
 */
export const scan = (uri: Redacted.Redacted): Authenticator => {
  const url = new URL(Redacted.value(uri))
  const parameter = (name: string): string => {
    const value = url.searchParams.get(name)
    if (value === null) throw new Error(`The otpauth URI has no ${name}`)
    return value
  }
  const type = url.hostname
  const label = /^\/([^:]+):([^:]+)$/u.exec(url.pathname)
  if (url.protocol !== "otpauth:" || label === null) throw new Error("This is not an otpauth URI")
  const key = bytesOf(parameter("secret"))
  const digits = Number(parameter("digits"))
  const moving = Number(parameter(type === "totp" ? "period" : "counter"))
  const code = (counter: number) => {
    const message = Buffer.alloc(8)
    message.writeBigUInt64BE(BigInt(counter))
    const mac = createHmac(parameter("algorithm").toLowerCase(), key).update(message).digest()
    const number = mac.readUInt32BE(mac.readUInt8(mac.length - 1) % 16) % 2 ** 31
    return Redacted.make(String(number).padStart(digits, "0").slice(-digits), { label: "code" })
  }
  return {
    type,
    issuer: decodeURIComponent(label[1] ?? ""),
    account: decodeURIComponent(label[2] ?? ""),
    secret: Redacted.make(parameter("secret"), { label: "secret" }),
    algorithm: parameter("algorithm"),
    digits,
    moving,
    code,
    codeAt: (now) => code(Math.floor(DateTime.toEpochMillis(now) / 1000 / moving)),
  }
}

/**
 * Takes a secret that somebody typed in (base32), for a TOTP as apps take it for granted: SHA-1, 6 digits, 30 seconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const type = (secret: Redacted.Redacted): Authenticator =>
  scan(
    Redacted.make(
      `otpauth://totp/site:person?secret=${Redacted.value(secret).replace(/\s/gu, "")}&algorithm=SHA1&digits=6&period=30`,
    ),
  )

/**
 * Sets up an app in a fresh session. The code of now is used up by that, so the clock moves on to the next one.
 *
 * @category operations
 * @since 0.1.0
 */
export const enrol = Effect.fnUntraced(function* (
  { session, user }: { readonly session: Session; readonly user: User },
  client: ClientInfo = unknownClient,
) {
  const totps = yield* Totps
  const by = { _tag: "Session", session, user } as const
  const app = scan((yield* totps.enrol({ by, client })).uri)
  yield* totps.confirm({ by, code: app.codeAt(yield* DateTime.now), client })
  yield* TestClock.adjust("30 seconds")
  return app
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/** The bytes of base32 (RFC 4648 §6): five bits a symbol, the ones left over are none. */
const bytesOf = (base32: string): Buffer => {
  const bits = [...base32].map((symbol) => alphabet.indexOf(symbol).toString(2).padStart(5, "0")).join("")
  return Buffer.from((bits.match(/.{8}/gu) ?? []).map((byte) => Number.parseInt(byte, 2)))
}
