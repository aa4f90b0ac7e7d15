/**
 * A session with its user as JSON, written by hand: clients ask for it more often than for anything else, and going
 * through the schema costs several times as much. A test holds it to the very text that the schema gives.
 */
import type * as DateTime from "effect/DateTime"
import type { Session } from "../Session.ts"
import type { User } from "../User.ts"

/** The JSON text of `SessionAndUser`. */
export const sessionJson = (session: Session, user: User): string =>
  JSON.stringify({
    session: {
      id: session.id,
      userId: session.userId,
      amr: session.amr,
      acr: session.acr,
      authTime: iso(session.authTime),
      createdAt: iso(session.createdAt),
      lastSeenAt: iso(session.lastSeenAt),
      expiresAt: iso(session.expiresAt),
      endsAt: iso(session.endsAt),
      ipAddress: session.ipAddress,
      userAgent: session.userAgent,
      label: session.label,
    },
    user: {
      id: user.id,
      email: user.email,
      name: user.name,
      image: user.image,
      emailVerifiedAt: user.emailVerifiedAt === null ? null : iso(user.emailVerifiedAt),
      scopes: user.scopes,
      disabledAt: user.disabledAt === null ? null : iso(user.disabledAt),
      createdAt: iso(user.createdAt),
      updatedAt: iso(user.updatedAt),
    },
  })

const dayMillis = 86_400_000
const days = new Map<number, string>()
const twoDigits = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, "0"))

/** The text that `DateTime.formatIso` gives. Most instants are of few days, so the text of a day is kept. */
const iso = ({ epochMilliseconds }: DateTime.Utc): string => {
  const day = Math.floor(epochMilliseconds / dayMillis)
  let date = days.get(day)
  if (date === undefined) {
    if (days.size >= 1000) days.clear()
    date = new Date(day * dayMillis).toISOString().slice(0, -"00:00:00.000Z".length)
    days.set(day, date)
  }
  const millis = epochMilliseconds - day * dayMillis
  const seconds = Math.floor(millis / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const fraction = String(millis - seconds * 1000).padStart(3, "0")
  return `${date}${twoDigits[hours]}:${twoDigits[minutes - hours * 60]}:${twoDigits[seconds - minutes * 60]}.${fraction}Z`
}
