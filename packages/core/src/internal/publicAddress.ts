/**
 * Which addresses and host names lead to the public Internet.
 *
 * IPv4 is what IANA's registry of special-purpose addresses leaves over; IPv6 is global unicast (`2000::/3`) without
 * the parts of it that are special. So forms that wrap another address (IPv4-mapped, NAT64, 6to4, Teredo) are not
 * public.
 *
 * @see [RFC 6890](https://www.rfc-editor.org/rfc/rfc6890.html#section-2.2.2)
 */
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"

/** Tells whether an IP address, in canonical text, is public. What is no IP address is not. */
export const isPublicAddress = (text: string): boolean => {
  const parsed = NetAddress.ipFromString(text)
  if (Result.isFailure(parsed)) return false
  const address = parsed.success
  if (NetAddress.isIpv6Address(address) && !IpNetwork.contains(globalUnicast, address)) return false
  return !special.some((network) => IpNetwork.contains(network, address))
}

/**
 * Tells whether a host, as `URL.hostname` writes it, may be public: a public address, or a name that is not reserved
 * for this machine or this network. Where a name leads is seen only when it is resolved.
 */
export const mayBePublicHost = (hostname: string): boolean => {
  const host = bareHost(hostname)
  if (hostname.startsWith("[") || Result.isSuccess(NetAddress.ipFromString(host))) return isPublicAddress(host)
  // A name of one label is looked up in the local domain.
  return host.includes(".") && !localDomains.some((domain) => host === domain || host.endsWith(`.${domain}`))
}

/** A host name or address without brackets, capitals and the dots at its end. */
export const bareHost = (hostname: string): string =>
  hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/u, "$1")
    .replace(/\.+$/u, "")

// internal

const globalUnicast = IpNetwork.fromStringUnsafe("2000::/3")

const special = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  // Azure's platform answers here, from inside only.
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
].map((network) => IpNetwork.fromStringUnsafe(network))

const localDomains = ["localhost", "local", "internal", "home.arpa", "localdomain"]
