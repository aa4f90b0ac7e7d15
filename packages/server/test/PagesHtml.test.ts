import * as Html from "@belfry/server/pages/html"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const { attributes, isHtml } = Html

// Under a name that the formatter does not know: it would put the templates into order first.
const tag = Html.html

const hostile = `<script>alert(1)</script>"' onload='x' &amp; </title>`

describe("html", () => {
  it("escapes text and attribute values", () => {
    const escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=&#39;x&#39; &amp;amp; &lt;/title&gt;"
    assert.strictEqual(tag`<p title="${hostile}">${hostile}</p>`.text, `<p title="${escaped}">${escaped}</p>`)
    assert.strictEqual(tag`<input${attributes({ value: hostile })}>`.text, `<input value="${escaped}">`)
  })

  it.effect.prop("keeps any text from ending its place", [Schema.String], ([text]) =>
    Effect.sync(() => {
      const [, value = "", content = ""] = /^<p title="([^]*)">([^]*)<\/p>$/u.exec(
        tag`<p title="${text}">${text}</p>`.text,
      ) ?? ["", "<", "<"]
      assert.notMatch(value + content, /[<>"']/u)
    }),
  )

  it("puts HTML in as it is, joins lists, and leaves nothing of nothing", () => {
    const items = ["a<", "b"].map((item) => tag`<li>${item}</li>`)
    assert.strictEqual(tag`<ul>${items}${null}${undefined}${false}${0}</ul>`.text, "<ul><li>a&lt;</li><li>b</li>0</ul>")
  })

  it("drops the indentation of the template, and none of what is put in", () => {
    assert.strictEqual(
      tag`<p>
        ${"a\n  b"}
      </p>`.text,
      "<p>\na\n  b\n</p>",
    )
  })

  it("leaves out attributes that are false or nothing", () => {
    const input = tag`<input${attributes({ required: true, disabled: false, value: "", max: 3, id: undefined })}>`
    assert.strictEqual(input.text, '<input required value="" max="3">')
  })

  it("refuses a value outside of double quotes, and text inside a tag", () => {
    assert.throws(() => tag`<a href=${"/x"}>x</a>`, TypeError)
    assert.throws(() => tag`<a href='${"/x"}'>x</a>`, TypeError)
    assert.throws(() => tag`<a ${"href"}="/x">x</a>`, TypeError)
    assert.throws(() => tag`<${"b"}>x</b>`, TypeError)
    assert.throws(() => tag`<b${"x"}>x</b>`, TypeError)
    assert.throws(() => tag`<a href="${tag`<b>x</b>`}">x</a>`, TypeError)
    assert.throws(() => tag`<a href="${attributes({ id: "x" })}">x</a>`, TypeError)
    assert.throws(() => tag`<p>${attributes({ id: "x" })}</p>`, TypeError)
  })

  it("refuses scripts, styles and comments with content", () => {
    assert.throws(
      () =>
        tag`<script>
          ${"x"}
        </script>`,
      TypeError,
    )
    assert.throws(
      () =>
        tag`<style>
          ${"x"}
        </style>`,
      TypeError,
    )
    assert.throws(() => tag`<!-- ${"x"} -->`, TypeError)
    assert.throws(() => attributes({ onclick: "x" }), TypeError)
    assert.throws(() => attributes({ style: "x" }), TypeError)
    assert.throws(() => attributes({ 'x="" y': "x" }), TypeError)
  })

  it("takes nothing for HTML that it did not make", () => {
    const forged = JSON.parse(JSON.stringify(tag`<b>x</b>`)) as never
    assert.isFalse(isHtml(forged))
    assert.throws(() => tag`<p>${forged}</p>`, TypeError)
  })
})
