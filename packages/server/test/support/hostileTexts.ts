/**
 * Texts that break what is careless with text.
 */

/** Texts that a database refuses in a text or a JSON column, and that terminals and mails obey. */
export const hostileTexts: ReadonlyArray<string> = ["\u0000", "Ada\u0000L", "\ud800", "x\r\nBcc: y", "\u001b[2J"]

/** Texts of nearly the largest size, on which a pattern that tries every way to match takes seconds. */
export const longTexts: ReadonlyArray<string> = [
  "a".repeat(50_000),
  `${"a".repeat(50_000)}\u0000`,
  `${" ".repeat(50_000)}\u0000`,
  `ada@${"a.".repeat(25_000)}!`,
  `ada@${"a-".repeat(25_000)}!`,
  `${"@".repeat(50_000)}`,
  `https://${"a".repeat(50_000)} `,
  "\ufdfa".repeat(15_000),
]

/** Texts of every kind. */
export const texts = [
  "\u0000",
  "Ada\u0000Lovelace",
  "\ud800",
  "\udc00\ud800",
  "x\udfff",
  "\ufeff",
  "\u202e\u2066",
  "",
  " ",
  "\t\r\n",
  "x\r\nSet-Cookie: a=b",
  "\u001b[2J\u0007",
  "' OR 1=1; DROP TABLE users; --",
  "<script>alert(1)</script>",
  "${jndi:ldap://x}{{7*7}}",
  "../../../../etc/passwd",
  "%00%0d%0a",
  "__proto__",
  "toString",
  "null",
  "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
  "\ufdfa".repeat(300),
  "e\u0301".repeat(2000),
  "a".repeat(60_000),
  "xn--a-ecp.ru",
  "018F4E5C-0000-7000-8000-000000000000",
] as const
