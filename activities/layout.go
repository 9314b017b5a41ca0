package activities

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/document"
)

// layOut makes a report's content into the bytes whose hash is approved, and into the files that an authority gets: a PDF and a
// DOCX a language, which bear that hash. They are made once, with the document, and never again.
func layOut(c breach.Content, number string, at time.Time) ([]byte, []breach.File, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return nil, nil, fmt.Errorf("write the report: %w", err)
	}
	sum := sha256.Sum256(content)
	var files []breach.File
	for _, r := range c.Renditions {
		paper := document.Paper{Title: r.Title, Language: r.Language, Blocks: r.Blocks, SHA256: hex.EncodeToString(sum[:]), Number: number, Date: at}
		for _, make := range []struct {
			ext, kind string
			set       func(document.Paper) ([]byte, error)
		}{{"pdf", document.TypePDF, document.PDF}, {"docx", document.TypeDOCX, document.DOCX}} {
			b, err := make.set(paper)
			if err != nil {
				return nil, nil, err
			}
			files = append(files, breach.File{Name: "report-" + string(r.Language) + "." + make.ext, Type: make.kind, Bytes: b})
		}
	}
	return content, files, nil
}

// paperNumber stands at the top of each page: the incident, the rule, and the report's number in its chain.
func paperNumber(p preparation) string {
	return fmt.Sprintf("%s · %s · %d", p.in.Incident, p.o.Result.Rule, len(p.before)+1)
}
