package templates_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"tocsin/internal/breach"
	"tocsin/internal/document"
	"tocsin/templates"
)

// The golden files of the papers are what a stranger's program reads in them: pdftotext in the PDF, the runs in the DOCX.
// Every form in every language; what the form says must be in both, in order.
func TestPaperGolden(t *testing.T) {
	s := templates.Default()
	for _, form := range s.Forms() {
		for _, l := range templates.Languages() {
			t.Run(form+" "+string(l), func(t *testing.T) {
				t.Parallel()
				d, err := s.Filing(form, sampleFiling(form), l)
				if err != nil {
					t.Fatal(err)
				}
				p := samplePaper(d, l)
				pdf, docx := pdfText(t, p), docxText(t, p)
				for name, text := range map[string]string{"PDF": pdf, "DOCX": docx} {
					mustHold(t, name, text, p)
				}
				golden(t, fmt.Sprintf("filings/%s.%s.pdf.txt", form, l), pdf)
				golden(t, fmt.Sprintf("filings/%s.%s.docx.txt", form, l), docx)
			})
		}
	}
}

func samplePaper(d templates.Document, l breach.Language) document.Paper {
	sum := sha256.Sum256([]byte(d.Text))
	return document.Paper{
		Title: d.Title, Language: l, Blocks: d.Blocks, SHA256: hex.EncodeToString(sum[:]),
		Number: "INC-2026-0001 · v1", Date: aware,
	}
}

// mustHold finds each block in the text, one after the other, whatever the spaces and page margins between them.
func mustHold(t *testing.T, name, text string, p document.Paper) {
	t.Helper()
	rest := tight(withoutMargins(text, p))
	for _, b := range append([]breach.Block{{Text: p.Title}}, p.Blocks...) {
		for _, piece := range []string{b.Label, b.Text} {
			_, after, found := strings.Cut(rest, tight(piece))
			if !found {
				t.Fatalf("the %s lacks %q at its place", name, piece)
			}
			rest = after
		}
	}
	if !strings.Contains(text, p.SHA256) || strings.Contains(text, "〓") {
		t.Errorf("the %s lacks the hash, or a character of the form", name)
	}
}

// withoutMargins leaves out what stands around the text on each page, and the labels of rows that go on.
func withoutMargins(text string, p document.Paper) string {
	var b strings.Builder
	for i, page := range strings.Split(strings.TrimPrefix(text, pageBreak), pageBreak) {
		for line := range strings.Lines(page) {
			if line = strings.TrimSuffix(line, "\n"); line == p.Number || i > 0 && line == p.Title || strings.Contains(line, p.SHA256) {
				continue
			}
			b.WriteString(line)
		}
	}
	s := tight(b.String())
	for _, block := range p.Blocks {
		for _, again := range []string{"（续）", "(continued)"} {
			if block.Label != "" {
				s = strings.ReplaceAll(s, tight(block.Label)+again, "")
			}
		}
	}
	return s
}

func tight(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

const pageBreak = "──────── page ────────\n"

// pdfText is the text of a PDF in the order in which it was written, a line for each line.
func pdfText(t *testing.T, p document.Paper) string {
	t.Helper()
	file, err := document.PDF(p)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-raw", "-enc", "UTF-8", name, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext (make needs installs it): %v", err)
	}
	var b strings.Builder
	for page := range strings.SplitSeq(strings.TrimSuffix(string(out), "\f"), "\f") {
		b.WriteString(pageBreak)
		for line := range strings.Lines(page) {
			if line = strings.Join(strings.Fields(line), " "); line != "" {
				b.WriteString(line + "\n")
			}
		}
	}
	return b.String()
}

// docxText is the text of a DOCX's body, and under it its header and footer.
func docxText(t *testing.T, p document.Paper) string {
	t.Helper()
	file, err := document.DOCX(p)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, part := range []string{"word/document.xml", "word/header1.xml", "word/footer1.xml"} {
		r, err := z.Open(part)
		if err != nil {
			t.Fatal(err)
		}
		if part != "word/document.xml" {
			b.WriteString(pageBreak)
		}
		writeRuns(t, &b, r)
	}
	return b.String()
}

// writeRuns writes what the runs of a part say: a line for each paragraph, a bar between the cells of a row.
func writeRuns(t *testing.T, b *strings.Builder, r io.Reader) {
	t.Helper()
	d := xml.NewDecoder(r)
	var line strings.Builder
	cells, inText := false, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := token.(type) {
		case xml.StartElement:
			inText = v.Name.Local == "t"
			switch v.Name.Local {
			case "tr":
				cells = true
			case "tab":
				line.WriteString(" ⇥ ")
			}
		case xml.EndElement:
			inText = false
			switch {
			case v.Name.Local == "tr":
				cells = false
				b.WriteString(strings.TrimSuffix(line.String(), " | ") + "\n")
				line.Reset()
			case v.Name.Local == "p" && cells:
				line.WriteString(" | ")
			case v.Name.Local == "p" && line.Len() > 0:
				b.WriteString(line.String() + "\n")
				line.Reset()
			}
		case xml.CharData:
			if inText {
				line.Write(v)
			}
		}
	}
}
