/**
 * Stand-ins for Google, Microsoft, Apple and GitHub on loopback, with the pages on which people choose their account.
 *
 * They are another host than the server's, `127.0.0.1` and not `localhost`, so cookies and requests between them are
 * cross-site.
 */
import * as FreePort from "@belfry/testing/FreePort"
import { createEmulator } from "emulate"
import { randomBytes } from "node:crypto"
import * as Path from "node:path"
import type { Visitor } from "./Visitor.ts"

/** Whom there is a stand-in for, by the ids of their presets. */
export const services = ["google", "microsoft", "apple", "github"] as const
export type Service = (typeof services)[number]

/** Stand-ins that run. */
export interface StandIns {
  readonly origins: ReadonlyArray<string>
  /** The settings of the server of {@link program}. */
  readonly environment: Readonly<Record<string, string>>
  readonly stop: () => Promise<void>
}

/** The server whose presets lead to the stand-ins. */
export const program = Path.join(import.meta.dirname, "presetServer.ts")

/**
 * The addresses of two people at a service: Ada's account is of an organization, Bob's his own. Each service has
 * others, so that nobody is found here by an address that another service vouches for.
 */
export const addressesAt = (service: Service): { readonly ada: string; readonly bob: string } => ({
  ada: `ada.${service}@acme.example`,
  bob: `bob.${service}@home.example`,
})

/** Starts the stand-ins, which know the server at `site`, by its origin, as a client. */
export const start = async (site: string): Promise<StandIns> => {
  const secret = randomBytes(32).toString("base64url")
  const running = await Promise.all(services.map((service) => startOne(service, site, secret)))
  return {
    origins: running.map(({ emulator }) => emulator.url),
    environment: {
      STAND_IN_CLIENT_SECRET: secret,
      ...Object.fromEntries(
        running.map(({ service, emulator }) => [`STAND_IN_${service.toUpperCase()}`, emulator.url]),
      ),
    },
    stop: async () => {
      await Promise.all(running.map(({ emulator }) => emulator.close()))
    },
  }
}

/** Chooses an account on the login page of a stand-in: the page of the site that it leads to. */
export const choose = async ({ page, site }: Visitor, address: string): Promise<void> => {
  await page.getByRole("button", { name: address }).click()
  await page.waitForURL((url) => url.origin === site.origin && !url.pathname.startsWith("/auth/"))
}

// internal

const startOne = async (service: Service, site: string, secret: string) => {
  // A stand-in takes itself to be at `localhost` unless it is told, which is before it can choose a port.
  const port = await FreePort.find()
  const seed = { [service]: seedOf(service, site, secret) }
  const emulator = await createEmulator({ service, port, baseUrl: `http://127.0.0.1:${port}`, seed })
  return { service, emulator }
}

/** A seed for all services: each reads of it what it knows. */
const seedOf = (service: Service, site: string, secret: string) => {
  const { ada, bob } = addressesAt(service)
  const client = {
    client_id: "belfry",
    client_secret: secret,
    // Apple's.
    team_id: "ABCDE12345",
    key_id: "KEY1234567",
    name: "Belfry",
    redirect_uris: [`${site}/auth/provider/${service}/callback`],
  }
  return {
    users: [
      // GitHub knows people by `login`. Without `tenant_id`, Microsoft has personal accounts.
      { login: "ada", email: ada, name: "Ada Lovelace", tenant_id: "3f1e0d5c-8c0f-4a55-9a47-0b1f3f6c7d21" },
      { login: "bob", email: bob, name: "Bob Builder" },
    ],
    oauth_clients: [client],
    oauth_apps: [client],
  }
}
