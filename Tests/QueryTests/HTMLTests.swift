import Columns
import Foundation
import Testing

@testable import Query

struct `Markup` {
    @Test func `escapes what is put into it, and nothing that is markup itself`() {
        let inner: HTML = "<b>\("<&>\"'\u{1B}")</b>"
        #expect(
            "<p title=\"\("a\"b")\">\(inner)\([inner, inner])\(7)</p>" as HTML
                == HTML(
                    stringLiteral: "<p title=\"a&quot;b\">"
                        + String(repeating: "<b>&lt;&amp;&gt;&quot;&#39;\u{FFFD}</b>", count: 3) + "7</p>"))
    }

    @Test func `marks words in what it escapes`() {
        #expect(
            HTML.marking(["root", "<x>"], in: "a <x> root rooted").description
                == "a <mark>&lt;x&gt;</mark> <mark>root</mark> rooted")
    }
}

struct `A page of Markdown` {
    @Test(arguments: [
        ("# A\n\n## B", "<h1>A</h1>\n<h2>B</h2>\n"), ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>\n"),
        ("```sh\na < b\n\n# c\n```", "<pre>a &lt; b\n\n# c</pre>\n"),
        ("- a\n  b\n- `c*d`\n\nend", "<ul>\n<li>a   b</li>\n<li><code>c*d</code></li>\n</ul>\n<p>end</p>\n"),
        (
            "**a `b`** [c](../x.md) [d](javascript:x)",
            "<p><strong>a <code>b</code></strong> <a href=\"../x.md\">c</a> [d](javascript:x)</p>\n"
        ),
        ("<script> & `", "<p>&lt;script&gt; &amp; `</p>\n"),
    ])
    func `becomes markup`(text: String, markup: String) {
        #expect(MarkdownPage(text).html.description == markup)
    }
}

struct `A runbook` {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "runbooks").path

    @Test func `is in the program as it is in the folder`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder).map { $0.replacing(".md", with: "") }
        #expect(files.sorted() == Runbook.names(folder: "none"), "run 'make builtin'")
        for name in files {
            #expect(
                Runbook(folder: "none", name: name)?.text == Runbook(folder: Self.folder, name: name)?.text,
                "\(name): run 'make builtin'")
        }
    }

    @Test func `is found by the name of its alert only`() {
        #expect(Runbook(folder: Self.folder, name: "ShopServerErrors")?.dashboard == "obs-shop")
        for name in ["", "../README", "none", "a/b"] { #expect(Runbook(folder: Self.folder, name: name) == nil, "\(name)") }
    }
}
