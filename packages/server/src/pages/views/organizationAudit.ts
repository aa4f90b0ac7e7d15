/**
 * What happened in an organization, in words.
 *
 * @since 0.1.0
 */
import { ScheduledChange } from "@belfry/billing/Subscription"
import type { AuditEvent } from "@belfry/core/AuditEvent"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import { planFor } from "./billingMoney.ts"
import type { Page } from "./document.ts"
import { type Listed, listPage, may, moment, nameIn, type OrganizationFrame, type Shown } from "./organizationParts.ts"

/**
 * An event with the names of who and what it is about, as far as the reader may see them. `actor` is null where nobody
 * who signed in did it.
 *
 * @category models
 * @since 0.1.0
 */
export interface NamedEvent {
  readonly event: AuditEvent
  readonly actor: { readonly name: string | null } | null
  readonly subjects: ReadonlyArray<string>
}

/**
 * The audit log of an organization, newest first.
 *
 * @category views
 * @since 0.1.0
 */
export const auditLogPage = (
  words: Catalogue,
  view: Shown & OrganizationFrame & { readonly list: Listed<NamedEvent>; readonly now: number },
): Page => {
  const { auditLog: text } = words
  return listPage(words, view, {
    title: text.title,
    path: view.at.auditLog,
    none: text.none,
    row: (event) => eventRow(words, view, event),
  })
}

// internal

const eventRow = (
  words: Catalogue,
  { membership, now }: OrganizationFrame & { readonly now: number },
  { actor, event, subjects }: NamedEvent,
): Html => {
  const { auditLog: text, organizationParts, time } = words
  const what = nameIn(text.types, event.type)
  const nameless = may(membership, "member:read") ? text.gone : text.somebody
  const who = actor === null ? text.nobody : (actor.name ?? nameless)
  const { epochMilliseconds: then } = event.occurredAt
  return html`<li>
    <h2>${event.outcome === "failure" ? text.refused(what) : what}</h2>
    ${subjects.length > 0 && html`<p>${text.about(organizationParts.list(subjects))}</p>`}
    ${changesOf(words, event).map((change) => html`<p>${change}</p>`)}
    <p class="quiet">${moment(then, text.byAndWhen(who, time.ago(then, now)))}</p>
  </li>`
}

/** What changed, field by field. */
const changesOf = (words: Catalogue, { after, before }: AuditEvent): ReadonlyArray<string> => {
  const { auditLog: text } = words
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
  return [...names].map((name) => {
    const field = nameIn(text.fields, name)
    const values = [before, after].map((facts) =>
      facts === null || !Object.hasOwn(facts, name) ? undefined : valueIn(words, name, facts[name]),
    )
    const [former, present] = values
    if (former === undefined || present === undefined) return text.set(field, former ?? present ?? text.nothing)
    return text.changed(field, former, present)
  })
}

const valueIn = (words: Catalogue, field: string, value: Schema.Json | undefined): string => {
  const { auditLog: text, organizationParts } = words
  if (value === null || value === undefined || value === "") return text.nothing
  if (Array.isArray(value)) {
    return value.length === 0 ? text.nothing : organizationParts.list(value.map((item) => wordIn(words, field, item)))
  }
  return wordIn(words, field, value)
}

/** What has words is said in them; everything else is shown as it is. */
const wordIn = (words: Catalogue, field: string, value: Schema.Json): string => {
  if (field === "scheduled") return changeIn(words, value)
  if (typeof value !== "string") return JSON.stringify(value)
  if (days.has(field)) return dayIn(words, value)
  const known: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    interval: words.billing.by,
    permissions: words.permissionNames,
    role: words.teamRoleNames,
    roles: words.roleNames,
    status: { ...words.invitations.status, ...words.billing.status },
  }
  return nameIn((Object.hasOwn(known, field) ? known[field] : undefined) ?? {}, value)
}

/** Fields that hold a moment of which the day is told. */
const days: ReadonlySet<string> = new Set(["cancelAt", "periodEnd"])

const dayIn = ({ time }: Catalogue, value: string): string => {
  const then = Date.parse(value)
  return Number.isNaN(then) ? value : time.date(then)
}

/** A change of a subscription that is to come. */
const changeIn = (words: Catalogue, value: Schema.Json): string =>
  Option.match(decodeChange(value), {
    onNone: () => JSON.stringify(value),
    onSome: (change) =>
      words.billing.parts([
        planFor(words, change.plan ?? words.billing.unknownPlan, change),
        words.time.date(change.startsAt.epochMilliseconds),
      ]),
  })

const decodeChange = Schema.decodeUnknownOption(Schema.toCodecJson(ScheduledChange))
