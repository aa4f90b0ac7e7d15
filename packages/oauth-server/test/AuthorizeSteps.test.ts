/**
 * What comes next for an authorization request: the table of steps.
 */
import type { Intent, Prompt } from "@belfry/oauth-server/AuthorizationRequest"
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { nextStep, type PersonFacts, type StepFacts, steps } from "../src/internal/authorizeSteps.ts"

const at = (seconds: number) => DateTime.makeUnsafe(seconds * 1000)

/** The request came in at 1000 s, and waits since. */
const begun = at(1000)

/** Somebody who signed in 100 s before, consented, and has nothing to do. */
const settled: PersonFacts = {
  session: { authTime: at(900), createdAt: at(900) },
  subject: "ada",
  steps: [],
  isAcrMet: true,
  isAcrReachable: true,
  selectsAccount: false,
  postLogin: false,
  mayAct: true,
  isTrusted: false,
  given: ["openid"],
}

const plain: StepFacts["request"] = {
  scopes: ["openid", "profile"],
  prompts: [],
  maxAge: null,
  acrValues: [],
  subject: null,
}

const next = (
  request: Partial<StepFacts["request"]> = {},
  person: Partial<PersonFacts> | null = {},
  waitsSince: DateTime.Utc | null = begun,
): string => {
  const step = nextStep({
    request: { ...plain, ...request },
    waitsSince,
    now: begun,
    person: person === null ? null : { ...settled, ...person },
  })
  return step._tag === "Step" ? step.intent : step._tag === "Fail" ? step.error.code : `done ${step.scopes.join(" ")}`
}

const since = (seconds: number) => ({ session: { authTime: at(seconds), createdAt: at(seconds) } })

const reauthenticated = (seconds: number) => ({ session: { authTime: at(seconds), createdAt: at(900) } })

describe("the steps of a person", () => {
  it("come in this order, each with its section and what a silent request hears", () => {
    assert.deepStrictEqual(
      steps.map(({ intent, silent, spec }) => [intent, silent, spec]),
      [
        ["create", "login_required", "Initiating User Registration via OpenID Connect §4.1"],
        ["login", "login_required", "OpenID Connect Core §3.1.2.1"],
        ["reauthenticate", "login_required", "OpenID Connect Core §3.1.2.1"],
        ["step_up", "login_required", "OpenID Connect Core Unmet Authentication Requirements §2"],
        ["select_account", "account_selection_required", "OpenID Connect Core §3.1.2.1"],
        ["post_login", "interaction_required", "OpenID Connect Core §3.1.2.6"],
        ["consent", "consent_required", "OpenID Connect Core §3.1.2.4"],
      ],
    )
  })

  it("are none where everything is settled", () => {
    assert.strictEqual(next(), "done openid")
    assert.strictEqual(next({ prompts: ["none"] }), "done openid")
  })

  it("begin with signing in, or up", () => {
    assert.strictEqual(next({}, null), "login")
    assert.strictEqual(next({ prompts: ["login", "consent", "select_account"] }, null), "login")
    assert.strictEqual(next({ prompts: ["create"] }, null), "create")
    assert.strictEqual(next({ prompts: ["none"] }, null), "login_required")
  })
})

describe("OpenID Connect Core §3.1.2.6", () => {
  it("MUST tell a silent request by its error which page would be shown", () => {
    const none: ReadonlyArray<Prompt> = ["none"]
    // Whoever wants no page cannot ask for a new account: `prompt=none` stands alone.
    const cases: ReadonlyArray<readonly [intent: string, error: string, ...Parameters<typeof next>]> = [
      ["login", "login_required", {}, null],
      ["login", "login_required", { subject: "eve" }],
      ["reauthenticate", "login_required", { maxAge: 99 }],
      ["step_up", "login_required", { acrValues: ["urn:strong"] }, { isAcrMet: false }],
      ["select_account", "account_selection_required", {}, { selectsAccount: true }],
      ["post_login", "interaction_required", {}, { postLogin: true }],
      ["consent", "consent_required", {}, { given: null }],
    ]
    for (const [intent, error, request, person] of cases) {
      assert.strictEqual(next(request, person), intent)
      assert.strictEqual(next({ ...request, prompts: none }, person), error, intent)
    }
    assert.sameMembers(
      ["create", ...cases.slice(1).map(([intent]) => intent)],
      steps.map(({ intent }) => intent),
    )
  })
})

describe("Initiating User Registration via OpenID Connect §4.1", () => {
  it("MUST show the sign-up for prompt=create, until a session began for the request", () => {
    const prompts: ReadonlyArray<Prompt> = ["create"]
    assert.strictEqual(next({ prompts }), "create")
    assert.strictEqual(next({ prompts }, reauthenticated(1001)), "create")
    assert.strictEqual(next({ prompts }, since(999.999)), "create")
    assert.strictEqual(next({ prompts }, since(1000)), "done openid")
    assert.strictEqual(next({ prompts }, since(1000), null), "create")
  })
})

describe("OpenID Connect Core §3.1.2.1", () => {
  it("MUST authenticate again for prompt=login, though somebody is signed in", () => {
    const prompts: ReadonlyArray<Prompt> = ["login"]
    assert.strictEqual(next({ prompts }), "reauthenticate")
    assert.strictEqual(next({ prompts }, reauthenticated(999.999)), "reauthenticate")
    assert.strictEqual(next({ prompts }, reauthenticated(1000)), "done openid")
    assert.strictEqual(next({ prompts }, reauthenticated(1060)), "done openid")
    // At the moment of the request, whoever is signed in was so before.
    assert.strictEqual(next({ prompts }, reauthenticated(1000), null), "reauthenticate")
  })

  it("MUST authenticate again when more than max_age has passed, to the millisecond", () => {
    assert.strictEqual(next({ maxAge: 100 }), "done openid")
    assert.strictEqual(next({ maxAge: 100 }, reauthenticated(899.999)), "reauthenticate")
    assert.strictEqual(next({ maxAge: 99 }), "reauthenticate")
    assert.strictEqual(next({ maxAge: 100 }, {}, null), "done openid")
    assert.strictEqual(next({ maxAge: 99 }, {}, null), "reauthenticate")
    // What was proved for the request counts, however long the person takes after that.
    assert.strictEqual(next({ maxAge: 1 }, reauthenticated(1000)), "done openid")
    assert.strictEqual(next({ prompts: ["none"], maxAge: 99 }), "login_required")
  })

  it("MUST take max_age=0 for prompt=login, also within one millisecond", () => {
    assert.strictEqual(next({ maxAge: 0 }, reauthenticated(1000), null), "reauthenticate")
    assert.strictEqual(next({ maxAge: 0 }, reauthenticated(999.999)), "reauthenticate")
    assert.strictEqual(next({ maxAge: 0 }, reauthenticated(1000)), "done openid")
  })

  it("MUST NOT answer for another user than the one asked for", () => {
    assert.strictEqual(next({ subject: "ada" }), "done openid")
    assert.strictEqual(next({ subject: "eve" }), "login")
    assert.strictEqual(next({ subject: "eve", prompts: ["none"] }), "login_required")
    // They signed in for this request, as somebody else: asking again would never end.
    assert.strictEqual(next({ subject: "eve" }, since(1000)), "login_required")
    assert.strictEqual(next({ subject: "eve" }, reauthenticated(1000)), "login_required")
    assert.strictEqual(next({ subject: "eve" }, since(1000), null), "login")
  })

  it("MUST ask for the account with prompt=select_account, once in a session", () => {
    const prompts: ReadonlyArray<Prompt> = ["select_account"]
    assert.strictEqual(next({ prompts }), "select_account")
    assert.strictEqual(next({ prompts }, { steps: ["post_login"] }), "select_account")
    assert.strictEqual(next({ prompts }, { steps: ["select_account"] }), "done openid")
    assert.strictEqual(next({ prompts }, since(1000)), "done openid")
    assert.strictEqual(next({}, { selectsAccount: true }), "select_account")
    assert.strictEqual(next({ prompts: ["none"] }, { selectsAccount: true }), "account_selection_required")
  })

  it("MUST ask for consent with prompt=consent, given or not", () => {
    const prompts: ReadonlyArray<Prompt> = ["consent"]
    assert.strictEqual(next({ prompts }), "consent")
    assert.strictEqual(next({ prompts }, { isTrusted: true }), "consent")
  })

  it("MUST NOT show a page for prompt=none", () => {
    const prompts: ReadonlyArray<Prompt> = ["none"]
    assert.strictEqual(next({ prompts }, { given: null }), "consent_required")
    assert.strictEqual(next({ prompts }, { postLogin: true }), "interaction_required")
    assert.strictEqual(next({ prompts, acrValues: ["x"] }, { isAcrMet: false }), "login_required")
  })
})

describe("OpenID Connect Core Unmet Authentication Requirements §2", () => {
  it("MUST step up to the acr asked for, or say that it cannot be met", () => {
    const acrValues = ["urn:strong"]
    assert.strictEqual(next({ acrValues }), "done openid")
    assert.strictEqual(next({ acrValues }, { isAcrMet: false }), "step_up")
    const unmet = "unmet_authentication_requirements"
    assert.strictEqual(next({ acrValues }, { isAcrMet: false, isAcrReachable: false }), unmet)
    assert.strictEqual(next({ acrValues, prompts: ["none"] }, { isAcrMet: false, isAcrReachable: false }), unmet)
    assert.strictEqual(next({}, { isAcrMet: false, isAcrReachable: false }), "done openid")
  })
})

describe("OpenID Connect Core §3.1.2.4", () => {
  it("MUST ask for consent where none stands, but for trusted clients", () => {
    assert.strictEqual(next({}, { given: null }), "consent")
    assert.strictEqual(next({}, { given: null, isTrusted: true }), "done openid profile")
    assert.strictEqual(next({}, { given: ["openid", "profile"] }), "done openid profile")
    assert.strictEqual(next({ prompts: ["none"] }, { given: null, isTrusted: true }), "done openid profile")
  })

  it("has the host's own step before it", () => {
    assert.strictEqual(next({}, { given: null, postLogin: true }), "post_login")
    assert.strictEqual(next({}, { given: null, postLogin: true, steps: ["post_login"] }), "consent")
    assert.strictEqual(next({ prompts: ["consent"] }, { postLogin: true }), "post_login")
  })
})

describe("RFC 6749 §4.1.2.1", () => {
  it("MUST answer access_denied where somebody may not act for what the resource is bound to, after who they are", () => {
    const stranger = { mayAct: false }
    for (const person of [{}, { given: null }, { isTrusted: true }]) {
      for (const prompts of [[], ["none"], ["consent"]] as const) {
        assert.strictEqual(next({ prompts }, { ...person, ...stranger }), "access_denied")
      }
    }
    // They may be somebody else yet.
    assert.strictEqual(next({ prompts: ["select_account"] }, stranger), "select_account")
    assert.strictEqual(next({ prompts: ["login"] }, stranger), "reauthenticate")
    assert.strictEqual(next({}, { ...stranger, postLogin: true }), "post_login")
  })
})

describe("every combination", () => {
  const booleans = [false, true]
  const promptSets: ReadonlyArray<ReadonlyArray<Prompt>> = [
    ["none"],
    ...Array.from({ length: 16 }, (_, bits) =>
      (["login", "consent", "select_account", "create"] as const).filter((_prompt, index) => (bits >> index) % 2 === 1),
    ),
  ]
  const sessions = [
    { authTime: at(900), createdAt: at(900) },
    { authTime: at(1000), createdAt: at(900) },
    { authTime: at(1000), createdAt: at(1000) },
  ]
  const order: ReadonlyArray<Intent> = steps.map(({ intent }) => intent)

  it("leads to the first step that is due, never to a page in silence, never past a step", () => {
    let count = 0
    const seen = new Set<string>()
    for (const prompts of promptSets)
      for (const session of sessions)
        for (const waitsSince of [null, begun])
          for (const maxAge of [null, 0, 50])
            for (const subject of [null, "ada", "eve"])
              for (const bits of Array.from({ length: 256 }, (_, index) => index)) {
                const [isAcrMet, isAcrReachable, selectsAccount, postLogin, isTrusted, isGiven] = [
                  0, 1, 2, 3, 4, 5,
                ].map((index) => booleans[(bits >> index) % 2] === true)
                const given = isGiven === true ? ["openid"] : null
                const done = (["select_account", "post_login"] as const).filter(
                  (_, index) => (bits >> (6 + index)) % 2 === 1,
                )
                const person: PersonFacts = {
                  ...settled,
                  session,
                  steps: done,
                  isAcrMet: isAcrMet === true,
                  isAcrReachable: isAcrReachable === true,
                  selectsAccount: selectsAccount === true,
                  postLogin: postLogin === true,
                  isTrusted: isTrusted === true,
                  given,
                }
                const request = { ...plain, prompts, maxAge, subject, acrValues: ["x"] }
                const step = nextStep({ request, waitsSince, now: begun, person })
                count++
                seen.add(step._tag === "Step" ? step.intent : step._tag === "Fail" ? step.error.code : "done")

                // What each step is about, said once more and otherwise.
                const isNewProof = waitsSince !== null && session.authTime.epochMilliseconds === 1_000_000
                const isNewSession = waitsSince !== null && session.createdAt.epochMilliseconds === 1_000_000
                const due: Record<Intent, boolean> = {
                  create: prompts.includes("create") && !isNewSession,
                  login: subject === "eve",
                  reauthenticate:
                    !isNewProof &&
                    (prompts.includes("login") ||
                      maxAge === 0 ||
                      (maxAge === 50 && session.authTime.epochMilliseconds === 900_000)),
                  step_up: !person.isAcrMet,
                  select_account:
                    !isNewSession &&
                    !done.includes("select_account") &&
                    (person.selectsAccount || prompts.includes("select_account")),
                  post_login: person.postLogin && !done.includes("post_login"),
                  consent: prompts.includes("consent") || (!person.isTrusted && given === null),
                }
                const first = order.find((intent) => due[intent])
                if (first === undefined) {
                  assert.strictEqual(step._tag, "Done")
                  continue
                }
                assert.notStrictEqual(step._tag, "Done")
                if (prompts.includes("none")) assert.strictEqual(step._tag, "Fail")
                if (step._tag === "Step") assert.strictEqual(step.intent, first)
                if (step._tag === "Fail" && !prompts.includes("none")) {
                  assert.isTrue((first === "login" && isNewProof) || (first === "step_up" && !person.isAcrReachable))
                }
              }
    assert.strictEqual(count, 17 * 3 * 2 * 3 * 3 * 256)
    assert.deepStrictEqual([...seen].toSorted(), [
      "account_selection_required",
      "consent",
      "consent_required",
      "create",
      "done",
      "interaction_required",
      "login",
      "login_required",
      "post_login",
      "reauthenticate",
      "select_account",
      "step_up",
      "unmet_authentication_requirements",
    ])
  })
})
