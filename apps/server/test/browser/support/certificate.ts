/**
 * A certificate that a server signs for itself, so that a test can serve https.
 *
 * @see [RFC 5280 §4.1](https://www.rfc-editor.org/rfc/rfc5280.html#section-4.1)
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto"

/** A certificate of `localhost` for a day, and its key, as PEM. */
export const selfSigned = (): { readonly cert: string; readonly key: string } => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const algorithm = sequence(der(0x06, Buffer.from("2a8648ce3d040302", "hex")))
  const name = sequence(der(0x31, sequence(der(0x06, Buffer.from("550403", "hex")), der(0x0c, "localhost"))))
  const alternativeNames = sequence(der(0x82, "localhost"))
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    // A serial number is positive.
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    name,
    sequence(utcTime(-1), utcTime(1)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(sequence(der(0x06, Buffer.from("551d11", "hex")), der(0x04, alternativeNames)))),
  )
  const signature = der(0x03, Buffer.concat([Buffer.of(0), sign("sha256", signed, privateKey)]))
  const lines = sequence(signed, algorithm, signature).toString("base64").replaceAll(/.{64}/gu, "$&\n")
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  }
}

// internal

/** A value of ASN.1 in DER: its tag, its length, its content. */
const der = (tag: number, content: Buffer | string): Buffer => {
  const bytes = Buffer.from(content)
  const { length } = bytes
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), bytes])
}

const sequence = (...items: ReadonlyArray<Buffer>): Buffer => der(0x30, Buffer.concat(items))

/** So many days from now, as `YYMMDDhhmmssZ`. */
const utcTime = (days: number): Buffer =>
  der(
    0x17,
    `${new Date(Date.now() + days * 86_400_000)
      .toISOString()
      .replaceAll(/[-:T]|\.\d+/gu, "")
      .slice(2)}`,
  )
