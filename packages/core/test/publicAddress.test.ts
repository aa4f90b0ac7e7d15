import { assert, describe, it } from "@effect/vitest"
import { isPublicAddress, mayBePublicHost } from "../src/internal/publicAddress.ts"

describe("isPublicAddress", () => {
  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "2001:4860:4860::8888",
  ])("takes %s", (address) => {
    assert.isTrue(isPublicAddress(address))
  })

  it.each([
    ["this network", "0.0.0.0"],
    ["this network, its end", "0.255.255.255"],
    ["private", "10.0.0.1"],
    ["private, its end", "10.255.255.255"],
    ["carrier-grade NAT", "100.64.0.1"],
    ["carrier-grade NAT, its end", "100.127.255.255"],
    ["Alibaba's metadata", "100.100.100.200"],
    ["loopback", "127.0.0.1"],
    ["loopback, another", "127.8.8.8"],
    ["Azure's platform", "168.63.129.16"],
    ["metadata", "169.254.169.254"],
    ["link-local", "169.254.0.1"],
    ["private", "172.16.0.1"],
    ["private, its end", "172.31.255.255"],
    ["protocol assignments, Oracle's metadata", "192.0.0.192"],
    ["documentation", "192.0.2.1"],
    ["6to4 relay", "192.88.99.1"],
    ["private", "192.168.1.1"],
    ["benchmarks", "198.18.0.1"],
    ["benchmarks, their end", "198.19.255.255"],
    ["documentation", "198.51.100.1"],
    ["documentation", "203.0.113.1"],
    ["multicast", "224.0.0.1"],
    ["reserved", "240.0.0.1"],
    ["broadcast", "255.255.255.255"],
    ["unspecified", "::"],
    ["loopback", "::1"],
    ["IPv4-mapped loopback", "::ffff:127.0.0.1"],
    ["IPv4-mapped in hex", "::ffff:7f00:1"],
    ["IPv4-mapped and public, which nobody needs", "::ffff:8.8.8.8"],
    ["IPv4-compatible", "::127.0.0.1"],
    ["IPv4-translated", "::ffff:0:127.0.0.1"],
    ["NAT64", "64:ff9b::127.0.0.1"],
    ["NAT64, local", "64:ff9b:1::a00:1"],
    ["discard", "100::1"],
    ["Teredo", "2001::1"],
    ["ORCHID", "2001:20::1"],
    ["documentation", "2001:db8::1"],
    ["6to4 of a private address", "2002:a00:1::1"],
    ["documentation", "3fff::1"],
    ["segment routing", "5f00::1"],
    ["unique local", "fc00::1"],
    ["unique local, Amazon's metadata", "fd00:ec2::254"],
    ["link-local", "fe80::1"],
    ["site-local", "fec0::1"],
    ["multicast", "ff02::1"],
    ["with a zone", "fe80::1%eth0"],
    ["no address", "example.com"],
    ["empty", ""],
  ])("refuses %s: %s", (_, address) => {
    assert.isFalse(isPublicAddress(address))
  })
})

/** The host as calls see it: `URL` writes addresses in their one form. */
const isPublicUrl = (url: string) => mayBePublicHost(new URL(url).hostname)

describe("mayBePublicHost", () => {
  it.each(["https://id.example.com/", "https://ID.Example.COM./", "https://8.8.8.8/", "https://[2606:4700::1111]/"])(
    "takes %s",
    (url) => {
      assert.isTrue(isPublicUrl(url))
    },
  )

  it.each([
    ["a name of this machine", "https://localhost/"],
    ["with a dot at its end", "https://localhost./"],
    ["in capitals", "https://LOCALHOST/"],
    ["below it", "https://idp.localhost/"],
    ["below it, with a dot", "https://idp.localhost./"],
    ["another name of it", "https://localhost.localdomain/"],
    ["a name of one label", "https://intranet/"],
    ["multicast DNS", "https://printer.local/"],
    ["a cloud's metadata", "https://metadata.google.internal/"],
    ["a home", "https://router.home.arpa/"],
    ["an address with a dot", "https://127.0.0.1./"],
    ["a decimal address", "https://2130706433/"],
    ["a hexadecimal address", "https://0x7f000001/"],
    ["an octal address", "https://0177.0.0.1/"],
    ["a short address", "https://127.1/"],
    ["zero", "https://0/"],
    ["full-width digits", "https://１２７.０.０.１/"],
    ["loopback of IPv6", "https://[::1]/"],
    ["IPv4-mapped", "https://[::ffff:169.254.169.254]/"],
    ["unique local", "https://[fd12:3456::1]/"],
  ])("refuses %s: %s", (_, url) => {
    assert.isFalse(isPublicUrl(url))
  })
})
