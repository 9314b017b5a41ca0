package document

import (
	"strings"

	"tocsin/internal/breach"
)

// The parts of a DOCX file that are the same in every document.

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

const wordNamespaces = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"` +
	` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`

const (
	wordType = `application/vnd.openxmlformats-officedocument.wordprocessingml.`
	relType  = `http://schemas.openxmlformats.org/officeDocument/2006/relationships/`
	relsOpen = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
)

const contentTypes = xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
	`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
	`<Default Extension="xml" ContentType="application/xml"/>` +
	`<Override PartName="/word/document.xml" ContentType="` + wordType + `document.main+xml"/>` +
	`<Override PartName="/word/styles.xml" ContentType="` + wordType + `styles+xml"/>` +
	`<Override PartName="/word/settings.xml" ContentType="` + wordType + `settings+xml"/>` +
	`<Override PartName="/word/numbering.xml" ContentType="` + wordType + `numbering+xml"/>` +
	`<Override PartName="/word/header1.xml" ContentType="` + wordType + `header+xml"/>` +
	`<Override PartName="/word/footer1.xml" ContentType="` + wordType + `footer+xml"/>` +
	`<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>` +
	`<Override PartName="/docProps/app.xml" ContentType="application/vnd.openxmlformats-officedocument.extended-properties+xml"/>` +
	`</Types>`

const packageRels = relsOpen +
	`<Relationship Id="rId1" Type="` + relType + `officeDocument" Target="word/document.xml"/>` +
	`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/>` +
	`<Relationship Id="rId3" Type="` + relType + `extended-properties" Target="docProps/app.xml"/>` +
	`</Relationships>`

const documentRels = relsOpen +
	`<Relationship Id="rId1" Type="` + relType + `styles" Target="styles.xml"/>` +
	`<Relationship Id="rId2" Type="` + relType + `settings" Target="settings.xml"/>` +
	`<Relationship Id="rId3" Type="` + relType + `numbering" Target="numbering.xml"/>` +
	`<Relationship Id="rId4" Type="` + relType + `header" Target="header1.xml"/>` +
	`<Relationship Id="rId5" Type="` + relType + `footer" Target="footer1.xml"/>` +
	`</Relationships>`

const appProperties = xmlHead + `<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">` +
	`<Application>Tocsin</Application></Properties>`

const settings = xmlHead + `<w:settings ` + wordNamespaces + `><w:defaultTabStop w:val="420"/><w:characterSpacingControl w:val="compressPunctuation"/>` +
	`<w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>`

const numbering = xmlHead + `<w:numbering ` + wordNamespaces + `><w:abstractNum w:abstractNumId="0"><w:multiLevelType w:val="singleLevel"/>` +
	`<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="bullet"/><w:lvlText w:val="•"/><w:lvlJc w:val="left"/>` +
	`<w:pPr><w:ind w:left="420" w:hanging="280"/></w:pPr></w:lvl></w:abstractNum>` +
	`<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>`

// A4, with the margins of the PDF.
const sectionEnd = `<w:sectPr><w:headerReference w:type="default" r:id="rId4"/><w:footerReference w:type="default" r:id="rId5"/>` +
	`<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1418" w:right="1361" w:bottom="1361" w:left="1361" w:header="794" w:footer="680" w:gutter="0"/>` +
	`</w:sectPr>`

// styles names what a text consists of. Each style has a face for ideographs beside the one for Latin letters: without it an
// office program picks one, and the digits beside it change.
func styles(l breach.Language) string {
	latin, size := say(l, "zh-CN", "en-GB"), say(l, "21", "20") // half points
	var b strings.Builder
	b.WriteString(xmlHead + `<w:styles ` + wordNamespaces + `><w:docDefaults><w:rPrDefault><w:rPr>` + faces("SimSun") +
		`<w:sz w:val="` + size + `"/><w:szCs w:val="` + size + `"/><w:lang w:val="` + latin + `" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault>` +
		`<w:pPrDefault><w:pPr><w:spacing w:line="340" w:lineRule="atLeast"/></w:pPr></w:pPrDefault></w:docDefaults>` +
		`<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>` +
		`<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/><w:uiPriority w:val="99"/>` +
		`<w:semiHidden/><w:unhideWhenUsed/><w:tblPr><w:tblInd w:w="0" w:type="dxa"/></w:tblPr></w:style>`)
	for _, s := range []struct{ id, name, paragraph, run string }{
		{"Title", "Title", `<w:spacing w:after="240"/><w:jc w:val="center"/>`, faces("SimHei") + `<w:b/><w:sz w:val="34"/><w:szCs w:val="34"/>`},
		{"Heading1", "heading 1", `<w:keepNext/><w:keepLines/><w:spacing w:before="280" w:after="100"/><w:outlineLvl w:val="0"/>`, faces("SimHei") + `<w:b/><w:sz w:val="23"/><w:szCs w:val="23"/>`},
		{"BodyText", "Body Text", `<w:spacing w:before="60" w:after="60"/>`, ``},
		{"ListBullet", "List Bullet", `<w:numPr><w:numId w:val="1"/></w:numPr><w:spacing w:after="40"/>`, ``},
		{"RowLabel", "Row Label", `<w:spacing w:before="60" w:after="60"/>`, `<w:color w:val="323232"/>`},
		{"RowText", "Row Text", `<w:spacing w:before="60" w:after="60"/>`, ``},
		{"AfterTable", "After Table", `<w:spacing w:line="120" w:lineRule="exact"/>`, `<w:sz w:val="8"/><w:szCs w:val="8"/>`},
		{"Signature", "Signature", `<w:keepNext/>` + say(l, `<w:spacing w:before="60"/><w:jc w:val="right"/>`, `<w:spacing w:before="60"/>`), ``},
		{"Note", "Note", `<w:spacing w:before="120"/>`, `<w:color w:val="323232"/><w:sz w:val="17"/><w:szCs w:val="17"/>`},
		{"Header", "header", `<w:pBdr><w:bottom w:val="single" w:sz="4" w:space="4" w:color="BEBEBE"/></w:pBdr><w:tabs><w:tab w:val="right" w:pos="9184"/></w:tabs>`, margin},
		{"Footer", "footer", `<w:pBdr><w:top w:val="single" w:sz="4" w:space="4" w:color="BEBEBE"/></w:pBdr><w:tabs><w:tab w:val="right" w:pos="9184"/></w:tabs>`, margin},
	} {
		b.WriteString(`<w:style w:type="paragraph" w:styleId="` + s.id + `"><w:name w:val="` + s.name + `"/><w:basedOn w:val="Normal"/><w:qFormat/>` +
			`<w:pPr>` + s.paragraph + `</w:pPr><w:rPr>` + s.run + `</w:rPr></w:style>`)
	}
	b.WriteString(`<w:style w:type="table" w:styleId="FormTable"><w:name w:val="Form Table"/><w:basedOn w:val="TableNormal"/><w:tblPr><w:tblBorders>`)
	for _, side := range []string{"top", "left", "bottom", "right", "insideH", "insideV"} {
		b.WriteString(`<w:` + side + ` w:val="single" w:sz="4" w:space="0" w:color="969696"/>`)
	}
	b.WriteString(`</w:tblBorders><w:tblCellMar><w:left w:w="125" w:type="dxa"/><w:right w:w="125" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style></w:styles>`)
	return b.String()
}

const margin = `<w:color w:val="5A5A5A"/><w:sz w:val="15"/><w:szCs w:val="15"/>`

func faces(ideographs string) string {
	return `<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:eastAsia="` + ideographs + `" w:cs="Arial"/>`
}
