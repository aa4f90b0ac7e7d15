/**
 * The invoices of a payer.
 *
 * @since 0.1.0
 */
import type { Invoice } from "@belfry/billing/Invoice"
import { attributes, html, type Html } from "../html.ts"
import type { Catalogue } from "../../PageCatalogues.ts"
import type { Page } from "./document.ts"
import { type BillingFrame, billingPage } from "./billingParts.ts"
import { type Listed, moment, pager, type Shown } from "./organizationParts.ts"
import { links } from "./parts.ts"

/**
 * What the page shows. `list` is null where the payment service does not answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface InvoicesView extends Shown, BillingFrame {
  readonly list: Listed<Invoice> | null
}

/**
 * The invoices, newest first.
 *
 * @category views
 * @since 0.1.0
 */
export const billingInvoicesPage = (words: Catalogue, view: InvoicesView): Page => {
  const { at, list } = view
  const text = words.invoices
  return billingPage(
    words,
    text.title,
    view,
    html`${
      list === null
        ? html`<p>${text.away}</p>`
        : html`${
            list.items.length === 0
              ? html`<p class="quiet">${text.none}</p>`
              : html`<ul class="rows">
                  ${list.items.map((invoice) => invoiceRow(words, invoice))}
                </ul>`
          }
          ${pager(words, at.invoices, list)}`
    }
    ${links({ href: at.overview, label: words.billing.back })}`,
  )
}

// internal

const invoiceRow = (words: Catalogue, invoice: Invoice): Html => {
  const { invoices: text, money, time } = words
  const { createdAt, currency, number, pdfUrl, status, total, url } = invoice
  const named = number ?? text.withoutNumber
  const isOpen = status === "open"
  const pay = attributes({ href: url, "aria-label": isOpen ? text.payNamed(named) : text.showNamed(named) })
  const pdf = attributes({ href: pdfUrl, "aria-label": text.pdfNamed(named) })
  return html`<li class="bar">
    <div>
      <h2>${moment(createdAt.epochMilliseconds, time.date(createdAt.epochMilliseconds))}</h2>
      <p>${money(total, currency)}</p>
      <p class="quiet">
        ${named},
        <span class="${isOpen || status === "uncollectible" ? "status warn" : "status"}"
          >${status === null ? text.unknown : text.status[status]}</span
        >
      </p>
    </div>
    <p class="row">
      ${url !== null && html`<a${pay}>${isOpen ? text.pay : text.show}</a>`}
      ${pdfUrl !== null && html`<a${pdf}>${text.pdf}</a>`}
    </p>
  </li>`
}
