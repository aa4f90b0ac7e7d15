/**
 * All services of this package at once, over whatever stores and hasher the host provides.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as EmailCodes from "./EmailCodes.ts"
import * as BackupCodes from "./BackupCodes.ts"
import * as Enrolments from "./Enrolments.ts"
import * as Hotps from "./Hotps.ts"
import * as MagicLinks from "./MagicLinks.ts"
import * as Passkeys from "./Passkeys.ts"
import * as Passwords from "./Passwords.ts"
import * as SignInAttempts from "./SignInAttempts.ts"
import * as StepUps from "./StepUps.ts"
import * as Totps from "./Totps.ts"

/**
 * All services of this package.
 *
 * **Details**
 *
 * Needs the services of `core` (`CoreServices.layer`) with their stores, the stores of this package and a
 * `PasswordHasher`. The check against common passwords is the host's choice: without a layer for `CommonPasswords`
 * there is none.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  // The services of the factors, in the order of the alphabet.
  BackupCodes.layer,
  EmailCodes.layer,
  Hotps.layer,
  MagicLinks.layer,
  Passkeys.layer,
  Passwords.layer,
  StepUps.layer,
  Totps.layer,
).pipe(Layer.provideMerge(Enrolments.layer), Layer.provideMerge(SignInAttempts.layer))
