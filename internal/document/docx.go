package document

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"tocsin/internal/breach"
)

// DOCX writes a paper as WordprocessingML (ISO/IEC 29500-1, transitional) for counsel to edit: styles for title, headings,
// lists and rows, so that a change of one place changes all. It has no macro, no link and no field but the page's numbers.
// The same paper gives the same bytes. The error is [ErrTooLong], or says which field of the paper cannot be.
func DOCX(p Paper) ([]byte, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	clean := &cleaner{can: inXML}
	title, blocks := clean.printable(p)
	number := (&cleaner{can: inXML}).line(p.Number)
	notes := clean.notes(p.Language)
	date := p.Date.UTC().Truncate(2 * time.Second) // a ZIP entry knows no odd second

	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, part := range []struct{ name, content string }{
		{"[Content_Types].xml", contentTypes},
		{"_rels/.rels", packageRels},
		{"docProps/core.xml", coreProperties(p, title, number)},
		{"docProps/app.xml", appProperties},
		{"word/_rels/document.xml.rels", documentRels},
		{"word/settings.xml", settings},
		{"word/styles.xml", styles(p.Language)},
		{"word/numbering.xml", numbering},
		{"word/header1.xml", header(title, number)},
		{"word/footer1.xml", footer(p)},
		{"word/document.xml", documentPart(p.Language, title, blocks, notes)},
	} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: date})
		if err != nil {
			return nil, fmt.Errorf("document: write a DOCX: %w", err)
		}
		if _, err := w.Write([]byte(part.content)); err != nil {
			return nil, fmt.Errorf("document: write a DOCX: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("document: write a DOCX: %w", err)
	}
	return out.Bytes(), nil
}

// inXML reports that a visible rune may stand in XML 1.0 (section 2.2). U+FFFD stands for bytes that were no text, which a
// note must say.
func inXML(r rune) bool { return r != '\ufffd' && r != '\ufffe' && r != '\uffff' }

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}

// documentPart is the text itself.
func documentPart(l breach.Language, title string, blocks []breach.Block, notes []string) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<w:document ` + wordNamespaces + `><w:body>`)
	paragraph(&b, "Title", "", title)
	signed := signature(blocks)
	for i, block := range blocks {
		keep := ""
		if i == signed-1 || announces(block.Text) {
			keep = `<w:keepNext/>`
		}
		if i >= signed {
			paragraph(&b, "Signature", "", block.Text)
			continue
		}
		switch block.Kind {
		case breach.BlockHeading:
			paragraph(&b, "Heading1", "", block.Text)
		case breach.BlockParagraph:
			paragraph(&b, "BodyText", keep, block.Text)
		case breach.BlockItem:
			paragraph(&b, "ListBullet", keep, block.Text)
		case breach.BlockRow:
			if i == 0 || blocks[i-1].Kind != breach.BlockRow {
				b.WriteString(tableHead)
			}
			tableRow(&b, block)
			if i == len(blocks)-1 || blocks[i+1].Kind != breach.BlockRow {
				b.WriteString(`</w:tbl>`)
				paragraph(&b, "AfterTable", "", "") // Word wants a paragraph between a table and what follows
			}
		}
	}
	for _, note := range notes {
		paragraph(&b, "Note", "", note)
	}
	b.WriteString(sectionEnd + `</w:body></w:document>`)
	return b.String()
}

func paragraph(b *strings.Builder, style, properties, text string) {
	b.WriteString(`<w:p><w:pPr><w:pStyle w:val="` + style + `"/>` + properties + `</w:pPr>`)
	runs(b, text)
	b.WriteString(`</w:p>`)
}

// runs writes a text; a line break in it stays one.
func runs(b *strings.Builder, text string) {
	if text == "" {
		return
	}
	b.WriteString(`<w:r>`)
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteString(`<w:br/>`)
		}
		b.WriteString(`<w:t xml:space="preserve">` + escape(line) + `</w:t>`)
	}
	b.WriteString(`</w:r>`)
}

// The table is as wide as the column of an A4 page with our margins, in twentieths of a point.
const (
	columnTwips = 9184
	labelTwips  = 2939
)

var tableHead = fmt.Sprintf(`<w:tbl><w:tblPr><w:tblStyle w:val="FormTable"/><w:tblW w:w="%d" w:type="dxa"/><w:tblLayout w:type="fixed"/></w:tblPr>`+
	`<w:tblGrid><w:gridCol w:w="%d"/><w:gridCol w:w="%d"/></w:tblGrid>`, columnTwips, labelTwips, columnTwips-labelTwips)

func tableRow(b *strings.Builder, block breach.Block) {
	b.WriteString(`<w:tr>`)
	if utf8.RuneCountInString(block.Label+block.Text) < 600 {
		b.WriteString(`<w:trPr><w:cantSplit/></w:trPr>`)
	}
	cell(b, labelTwips, "F4F4F4", "RowLabel", block.Label)
	shade := ""
	if block.State == breach.ItemUnknown {
		shade = "FBFBFB"
	}
	cell(b, columnTwips-labelTwips, shade, "RowText", block.Text)
	b.WriteString(`</w:tr>`)
}

func cell(b *strings.Builder, width int, shade, style, text string) {
	fmt.Fprintf(b, `<w:tc><w:tcPr><w:tcW w:w="%d" w:type="dxa"/>`, width)
	if shade != "" {
		b.WriteString(`<w:shd w:val="clear" w:color="auto" w:fill="` + shade + `"/>`)
	}
	b.WriteString(`</w:tcPr>`)
	paragraph(b, style, "", text)
	b.WriteString(`</w:tc>`)
}

// header repeats the title and the number on every page.
func header(title, number string) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<w:hdr ` + wordNamespaces + `><w:p><w:pPr><w:pStyle w:val="Header"/></w:pPr>`)
	runs(&b, shorten(title, 116-uniseg.StringWidth(number)))
	b.WriteString(`<w:r><w:tab/></w:r>`)
	runs(&b, shorten(number, 70))
	b.WriteString(`</w:p></w:hdr>`)
	return b.String()
}

// shorten cuts a text of the margins, which stands in full elsewhere, to so many Latin letters' width.
func shorten(s string, width int) string {
	if uniseg.StringWidth(s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && uniseg.StringWidth(string(runes)) >= width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// footer has the hash of the content from which this file was made, and the page's numbers as fields. An edited file still
// says what it was made from.
func footer(p Paper) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<w:ftr ` + wordNamespaces + `><w:p><w:pPr><w:pStyle w:val="Footer"/></w:pPr>`)
	runs(&b, hashLine(p.Language, p.SHA256))
	b.WriteString(`<w:r><w:tab/></w:r>`)
	before, between, after := pageWords(p.Language)
	runs(&b, before)
	field(&b, "PAGE")
	runs(&b, between)
	field(&b, "NUMPAGES")
	runs(&b, after)
	b.WriteString(`</w:p></w:ftr>`)
	return b.String()
}

func field(b *strings.Builder, name string) {
	b.WriteString(`<w:fldSimple w:instr=" ` + name + ` "><w:r><w:t>1</w:t></w:r></w:fldSimple>`)
}

func coreProperties(p Paper, title, number string) string {
	stamp := p.Date.UTC().Format("2006-01-02T15:04:05Z")
	return xmlHead + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"` +
		` xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"` +
		` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>` + escape(title) + `</dc:title><dc:subject>` + escape(number) +
		`</dc:subject><dc:creator>Tocsin</dc:creator><dcterms:created xsi:type="dcterms:W3CDTF">` + stamp +
		`</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">` + stamp + `</dcterms:modified><dc:language>` +
		string(p.Language) + `</dc:language></cp:coreProperties>`
}
