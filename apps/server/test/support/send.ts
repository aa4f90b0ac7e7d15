/**
 * Requests as a browser sends them that goes somewhere, and forms and JSON as their bodies.
 */
import * as Http from "node:http"

/** Where people reach the server, by default. */
export const site = "http://localhost:3000"

/** The body of a request. */
export interface Body {
  readonly type: string
  readonly content: string
}

/** A body of JSON. */
export const json = (value: unknown): Body => ({ type: "application/json", content: JSON.stringify(value) })

/** A body of form fields. */
export const form = (fields: Readonly<Record<string, string>>): Body => ({
  type: "application/x-www-form-urlencoded",
  content: new URLSearchParams(fields).toString(),
})

/** An answer. */
export interface Got {
  readonly status: number
  readonly location: URL | null
  readonly cookies: ReadonlyArray<string>
  readonly text: string
}

/** Sends a request as a browser does that goes there, which `fetch` cannot; rejects where the connection breaks. */
export const send = (port: number, path: string, headers: Http.OutgoingHttpHeaders, body?: Body): Promise<Got> =>
  new Promise((resolve, reject) => {
    const options = {
      port,
      host: "127.0.0.1",
      path,
      // A connection of its own: one that was kept may have ended meanwhile, which is no failure of the server.
      agent: false,
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? headers : { ...headers, "content-type": body.type },
    }
    const outgoing = Http.request(options, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (text += chunk))
      response.on("error", reject)
      response.on("end", () => {
        const { location, "set-cookie": cookies = [] } = response.headers
        resolve({
          status: response.statusCode ?? 0,
          location: location === undefined ? null : new URL(location, site),
          cookies,
          text,
        })
      })
    })
    outgoing.on("error", reject)
    outgoing.end(body?.content)
  })
