/**
 * Where a list goes on: text for whoever turns the pages, of which only this server knows the meaning.
 */
import * as Base64Url from "effect/encoding/Base64Url"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ClientId, type OAuthClient } from "../OAuthClient.ts"
import { ResourceIdentifier } from "../ProtectedResource.ts"

/** A place in a list of clients: after this one. */
export type ClientPlace = Pick<OAuthClient, "createdAt" | "id">

export const ofClient = ({ createdAt, id }: ClientPlace): string =>
  Base64Url.encode(`${createdAt.epochMilliseconds}.${id}`)

export const toClientPlace = (cursor: string): Option.Option<ClientPlace> =>
  Option.flatMap(textOf(cursor), (text) => {
    const [, millis, id] = /^(\d{1,15})\.(.+)$/su.exec(text) ?? []
    return isClientId(id)
      ? Option.map(DateTime.make(Number(millis)), (createdAt) => ({ createdAt: DateTime.toUtc(createdAt), id }))
      : Option.none()
  })

export const ofResource = (identifier: string): string => Base64Url.encode(identifier)

export const toIdentifier = (cursor: string): Option.Option<string> => Option.filter(textOf(cursor), isIdentifier)

/** The size of a page: 50, or what is asked for, from 1 to 100. */
export const pageSize = (limit: number | undefined): number => Math.min(Math.max(Math.trunc(limit ?? 50) || 1, 1), 100)

// internal

const textOf = (cursor: string): Option.Option<string> =>
  cursor.length > 4096 ? Option.none() : Result.getSuccess(Base64Url.decodeString(cursor))

const isClientId = Schema.is(ClientId)

const isIdentifier = Schema.is(ResourceIdentifier)
