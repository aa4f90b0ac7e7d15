/**
 * All HTTP handlers of this package.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as BackupCodesHandlers from "./BackupCodesHandlers.ts"
import * as EmailCodesHandlers from "./EmailCodesHandlers.ts"
import * as EnrolmentsHandlers from "./EnrolmentsHandlers.ts"
import * as MagicLinksHandlers from "./MagicLinksHandlers.ts"
import * as OneTimePasswordsHandlers from "./OneTimePasswordsHandlers.ts"
import * as PasskeysHandlers from "./PasskeysHandlers.ts"
import * as PasswordsHandlers from "./PasswordsHandlers.ts"
import * as SignInAttemptsHandlers from "./SignInAttemptsHandlers.ts"

/**
 * The handlers of {@link FactorsApi}, without the middleware: that is `CoreHandlers.layerMiddleware`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  SignInAttemptsHandlers.layer,
  PasswordsHandlers.layer,
  EmailCodesHandlers.layer,
  MagicLinksHandlers.layer,
  PasskeysHandlers.layer,
  OneTimePasswordsHandlers.layer,
  BackupCodesHandlers.layer,
  EnrolmentsHandlers.layer,
)
