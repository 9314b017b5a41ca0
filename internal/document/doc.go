// Package document makes papers of finished texts: a filing's blocks become a PDF for the authority and a DOCX for counsel,
// and a table such as the register becomes a PDF with its header on every page. What comes out depends on what goes in and on
// nothing else, so the same content gives the same bytes, and a hash of them can be approved.
//
// The package lays out and never words: what a filing says is the business of package templates, and the few words that are
// printed here (page numbers, notes about characters) are in words.go. It reads no clock, no file and no setting.
//
// # What a reader can rely on
//
//   - Every character of every block is on the page, in order, and can be searched and copied. A character that the typeface
//     lacks is printed as 〓, and a note at the end gives its code point. DOCX carries it as it is.
//   - Control characters and overrides of the writing direction are left out, and a note says which. Markup and formulas are
//     characters like others: nothing in a text is ever interpreted.
//   - The footer of each page has the page's number, the number of pages and the SHA-256 of the content that was approved.
//
// Setting a short report takes about 50 ms, nearly all of it to cut the typeface down to what the report needs.
//
// A PDF from here is neither tagged nor PDF/A; where an authority wants either, DOCX and an office program are the way.
//
// # The typeface
//
// fonts/tocsin-sans.ttf.gz is made of Noto Sans SC, Noto Sans KR and Noto Sans by .ci/font, under the SIL Open Font License
// (fonts/OFL.txt). It has the runes of GBK but one (≒), Extension A, Hangul, kana, and Latin, Greek and Cyrillic for the
// languages of Europe and Vietnam; past U+FFFF the ideographs of 通用规范汉字表, which names have: the PDF writer cannot reach them
// there, so the face keeps them in the private use area and a PDF says beside each line what it means (ActualText). Bold is the same outline with a stroke, which saves seven megabytes.
package document
