/**
 * What can go wrong with a link by e-mail, beside what can with any token of a mail.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The link was opened in another browser than the one that asked for it. It stays good there.
 *
 * **Details**
 *
 * Otherwise somebody could ask for a link to another person's address and wait for that person to follow it.
 *
 * @category errors
 * @since 0.1.0
 */
export class OtherBrowser extends Schema.TaggedError<OtherBrowser>("@belfry/factors/OtherBrowser")("OtherBrowser", {}) {
  override get message(): string {
    return "Open this link in the browser that asked for it"
  }
}
