package document_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"tocsin/internal/breach"
	"tocsin/internal/document"
)

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func paper(l breach.Language, title string, blocks ...breach.Block) document.Paper {
	return document.Paper{
		Title: title, Language: l, Blocks: blocks, SHA256: sum, Number: "INC-2026-0001 · cn-cac-4/1",
		Date: time.Date(2026, 11, 21, 5, 40, 0, 0, time.UTC),
	}
}

func row(label, text string) breach.Block {
	return breach.Block{Kind: breach.BlockRow, Label: label, Text: text, State: breach.ItemGiven}
}

func para(text string) breach.Block { return breach.Block{Kind: breach.BlockParagraph, Text: text} }

func pdf(t testing.TB, p document.Paper) []byte {
	t.Helper()
	out, err := document.PDF(p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// extract returns what pdftotext reads on each page, in the order in which it was written.
func extract(t testing.TB, file []byte) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	cmd := exec.Command("pdftotext", "-raw", "-enc", "UTF-8", name, "-")
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Fatalf("pdftotext (make needs installs it): %v %s", err, complaints.String())
	}
	pages := strings.Split(out.String(), "\f")
	return pages[:len(pages)-1]
}

// text is what stands between the margins of all pages, without spaces and without the repeated labels of rows that go on.
func text(t testing.TB, p document.Paper) string {
	t.Helper()
	again := map[breach.Language]string{breach.Chinese: "（续）", breach.English: " (continued)"}[p.Language]
	var b strings.Builder
	for _, page := range extract(t, pdf(t, p)) {
		page = squeeze(page)
		end := strings.LastIndex(page, squeeze(p.Number))
		if end < 0 || !strings.Contains(page[end:], sum) {
			t.Fatalf("the margins are missing on a page: %q", page)
		}
		page = page[:end]
		if b.Len() > 0 {
			page = strings.TrimSuffix(page, squeeze(p.Title))
		}
		b.WriteString(page)
	}
	s := b.String()
	for _, block := range p.Blocks {
		if block.Kind == breach.BlockRow && block.Label != "" {
			s = strings.ReplaceAll(s, squeeze(block.Label+again), "")
		}
	}
	return s
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// want is what a reader of the extraction must find.
func want(p document.Paper) string {
	var b strings.Builder
	b.WriteString(p.Title)
	for _, block := range p.Blocks {
		if block.Kind == breach.BlockItem {
			b.WriteString("•")
		}
		b.WriteString(block.Label + block.Text)
	}
	return squeeze(b.String())
}

func gzipped(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
