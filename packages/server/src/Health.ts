/**
 * Whether the process lives, and whether it can serve.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"

/**
 * `GET /health/live` answers 200 while the process runs. `GET /health/ready` answers 200 when the database answers
 * within 2 seconds, 503 otherwise.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = Layer.mergeAll(
  HttpRouter.add("GET", "/health/live", HttpServerResponse.text("ok\n")),
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* router.add(
        "GET",
        "/health/ready",
        sql`SELECT 1`.pipe(
          Effect.timeout("2 seconds"),
          Effect.match({
            onSuccess: () => HttpServerResponse.text("ready\n"),
            onFailure: () => HttpServerResponse.text("the database does not answer\n", { status: 503 }),
          }),
        ),
      )
    }),
  ),
)
