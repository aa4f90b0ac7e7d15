/**
 * The words of the hosted pages about billing, in English: subscriptions, plans, checkouts, invoices.
 *
 * @since 0.1.0
 */

/**
 * The words about billing, as part of the catalogue. `price` and `amount` are sums of money in words, `date` is a day.
 *
 * **Details**
 *
 * `featureNames` and `limitNames` may have more than what is here: what a host declares is shown by its name where it
 * has no words.
 *
 * @category constructors
 * @since 0.1.0
 */
export const billingWords = {
  featureNames: {} as Readonly<Record<string, string>>,

  limitNames: {
    members: "Members",
    invitations: "Open invitations",
    roles: "Roles",
    teams: "Teams",
    teamMembers: "Members of a team",
  } as Readonly<Record<string, string>>,

  billing: {
    title: "Billing",
    section: "Billing",
    open: "Plans, payments and invoices",
    whose: "Whose bills",
    own: "Your own",
    forName: (name: string) => `For ${name}`,
    back: "Back to billing",
    none: "There is no plan yet.",
    choose: "See plans",
    unknownPlan: "A plan that is not sold here any more",
    status: {
      active: "Active",
      trialing: "Trial",
      past_due: "Payment failed",
      unpaid: "Not paid",
      paused: "Paused",
      incomplete: "Waiting for payment",
      canceled: "Ended",
      incomplete_expired: "Never paid",
    },
    each: {
      day: (price: string) => `${price} a day`,
      week: (price: string) => `${price} a week`,
      month: (price: string) => `${price} a month`,
      year: (price: string) => `${price} a year`,
    },
    seats: (count: number) => (count === 1 ? "1 seat" : `${count} seats`),
    trialUntil: (date: string) => `The trial ends on ${date}.`,
    trialThen: (date: string, price: string) => `The trial ends on ${date}. Then it is ${price}.`,
    renews: (date: string) => `Renews on ${date}.`,
    ends: (date: string) => `Ends on ${date}, and is not renewed.`,
    trialEnds: (date: string) => `Ends with the trial on ${date}. Nothing will be charged.`,
    endedOn: (date: string) => `Ended on ${date}`,
    scheduled: (what: string, date: string) => `On ${date} it changes to ${what}.`,
    /** Things said of one plan: its name, by the month, 3 seats. */
    parts: (parts: ReadonlyArray<string>) => parts.join(", "),
    by: { day: "by the day", week: "by the week", month: "by the month", year: "by the year" },
    pastDue: (amount: string) => `${amount} could not be collected.`,
    unpaid: "A payment could not be collected.",
    nextAttempt: (date: string) => `The next attempt is on ${date}.`,
    pastDueHint: "Pay now, or use another card for the next attempt.",
    payNow: "Pay now",
    changeCard: "Use another card",
    paused: "Nothing is charged, and nothing can be used. Add a card to go on.",
    incomplete: "The first payment has not come through yet.",
    changePlan: "Change plan",
    changePlanNamed: (plan: string) => `Change plan: ${plan}`,
    end: "End subscription",
    endNamed: (plan: string) => `End subscription: ${plan}`,
    restoreEnd: "Do not end it",
    restoreEndNamed: (plan: string) => `Do not end it: ${plan}`,
    restoreChange: (plan: string) => `Keep ${plan}`,
    use: "What you can use",
    nothingToUse: "Nothing yet.",
    limit: (name: string, count: number) => `${name}: ${count}`,
    noLimit: (name: string) => `${name}: as many as you like`,
    former: "Earlier subscriptions",
    portal: "Cards and addresses",
    portalText: "They are kept by the payment service, where you can change them.",
    portalSubmit: "Open the payment service",
    invoices: "Invoices",
  },

  billingPlans: {
    title: "Plans",
    none: "Nothing is sold here at the moment.",
    interval: "How often you pay",
    day: "Daily",
    week: "Weekly",
    month: "Monthly",
    year: "Yearly",
    current: "Your plan",
    perSeat: (price: string) => `${price} for each seat`,
    /** A price with that of its seats. */
    andSeats: (price: string, seat: string) => `${price}, and ${seat} for each seat`,
    measured: "By what is used",
    trial: (days: number) => (days === 1 ? "The first day is free." : `The first ${days} days are free.`),
    otherInterval: "Not sold in this interval.",
    noPrices: "The payment service cannot be reached, so there are no prices to show. Try again in a few seconds.",
    subscribe: "Subscribe",
    subscribeNamed: (plan: string) => `Subscribe to ${plan}`,
    choose: "Choose",
    chooseNamed: (plan: string) => `Choose ${plan}`,
    change: "Change",
    changeNamed: (plan: string) => `Change to ${plan}`,
    changeSeats: "Change seats",
    changeSeatsNamed: (plan: string) => `Change seats: ${plan}`,
    cannotBuy: "You can see plans here, but not change them. Ask somebody who manages the bills.",
  },

  billingPlan: {
    subscribeTitle: (plan: string) => `Subscribe to ${plan}`,
    changeTitle: (plan: string) => `Change to ${plan}`,
    seatsTitle: (plan: string) => `Change the seats of ${plan}`,
    seatsHint: (minimum: number) =>
      minimum === 1 ? "How many people use it." : `How many people use it, at least ${minimum}.`,
    now: (what: string) => `At present: ${what}.`,
    afterwards: (what: string) => `Then: ${what}.`,
    withPrice: (what: string, price: string) => `${what}, ${price}`,
    atOnce: "Change now",
    atOnceText: {
      trial: "Your trial goes on, and nothing is charged before it ends.",
      interval: "A new period begins at once. It is charged now, less what is left of the present one.",
      "always-invoice": "The difference for the rest of the period is charged now.",
      "create-prorations": "The difference for the rest of the period is on the next invoice.",
      none: "The rest of the period costs nothing more. The next one has the new price.",
    },
    atEnd: (date: string) => `Change on ${date}`,
    atEndText: (date: string) => `Everything stays as it is until ${date}. Nothing is charged before.`,
    takesBackEnd: (date: string) => `It is to end on ${date}. Whatever you choose here, it goes on.`,
    takesBackChange: (what: string, date: string) => `On ${date} it was to change to ${what}. That is not done then.`,
    subscribeText: "You enter your card on the page of the payment service.",
    submit: "Go to payment",
    cancel: "Leave it as it is",
    other: "Other plans",
  },

  billingLeave: {
    checkout: "Go to payment",
    portal: "Go to the payment service",
    text: "You leave this site for the payment service, and come back when you are done.",
    go: "Go on",
  },

  endSubscription: {
    title: (plan: string) => `End the subscription to ${plan}?`,
    gone: "What it gives ends with it:",
    when: "When",
    periodEnd: (date: string) => `On ${date}`,
    periodEndText: "Everything stays until then. It is not renewed, and nothing more is charged.",
    now: "Now",
    nowText: "Everything it gives ends at once. What was paid is not paid back.",
    onlyNow: (date: string) => `It is to end on ${date} already. You can end it now instead.`,
    submit: "End subscription",
    cancel: "Keep it",
  },

  checkout: {
    finalizing: "Your subscription is on its way",
    finalizingText: "The payment service has taken your payment details. We wait for its last word, usually seconds.",
    slow: "It takes longer than usual. Nothing is lost: it comes without you, and you need not pay again.",
    look: "Look again",
    open: "Your checkout is still open",
    openText: (plan: string) => `Nothing was charged yet. Go on to pay for ${plan}, or choose another plan.`,
    goOn: "Go on to payment",
    plans: "Choose another plan",
    away: "We cannot see how your checkout stands",
    awayText: "The payment service does not answer. If you have paid, nothing is lost. Look again in a few seconds.",
  },

  invoices: {
    title: "Invoices",
    none: "There are no invoices yet.",
    status: { draft: "Not sent yet", open: "To be paid", paid: "Paid", uncollectible: "Not collected", void: "Void" },
    unknown: "Not known",
    withoutNumber: "Invoice",
    show: "Show",
    showNamed: (number: string) => `Show invoice ${number}`,
    pay: "Pay",
    payNamed: (number: string) => `Pay invoice ${number}`,
    pdf: "PDF",
    pdfNamed: (number: string) => `Invoice ${number} as PDF`,
    away: "The payment service cannot be reached, so there are no invoices to show. Try again in a few seconds.",
  },

  /** What was done about bills, by the flag of the address that says so. */
  billingDone: {
    subscribed: "Thank you. Your subscription has begun.",
    "plan-changed": "Your plan was changed.",
    "change-scheduled": "Your plan will change as you chose. Until then everything stays as it is.",
    "change-released": "Your plan stays as it is.",
    "seats-changed": "The number of seats was changed.",
    "subscription-ending": "Your subscription ends with the period. You can take that back until then.",
    "subscription-ended": "Your subscription has ended.",
    "subscription-kept": "Your subscription goes on.",
  } as Readonly<Record<string, string>>,
}

/**
 * The fields of forms about billing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const billingFields = {
  seats: {
    label: "Seats",
    missing: "Enter how many seats you need",
    invalid: "Enter a whole number of seats, at most 100,000",
  },
}

/**
 * What can be wrong with what was asked for about billing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const billingProblems = {
  subscription: {
    subscribed: "This is your plan already",
    canceling: "This subscription is to end already. Take that back first",
    "not-canceling": "There is nothing to take back: this subscription goes on as it is",
    ended: "This subscription has ended. Choose a plan to begin again",
    unpaid: "A payment is missing. Pay it, or use another card, then change the plan",
    busy: "This subscription is being changed at this moment. Try again in a few seconds",
    superseded: "Somebody chose another plan at the same moment. Look which one it is, then choose again",
    period: "This subscription has no period to wait for. Change it now instead",
  },
  fewSeats: (minimum: number) => `Enter ${minimum} seats or more`,
  declined: "The bank refused the payment, so nothing was changed. Use another card, then try again",
  noPrice: "This plan cannot be bought at the moment. Choose another one",
  noCustomer: "There is nothing to see at the payment service yet: choose a plan first",
  billingEmailUnverified: "Confirm your e-mail address first: your account page can send you a link",
  billingUnavailable: "The payment service does not answer. Nothing was changed here. Try again in a few seconds",
  billingFailed: "The payment service did not do this. Nothing was changed here. Ask the people who run this site",
  subscriptionGone: "There is no such subscription any more",
}
