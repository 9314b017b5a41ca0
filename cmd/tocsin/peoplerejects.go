package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/audience"
	"tocsin/internal/breach"
)

// rejectsWriter writes the issues of an import into a file for whoever mends the rows. The file holds values only where they
// are asked for: then the rows are read once more from the operator's own file, here, and never come from the server.
type rejectsWriter struct {
	options  *importOptions
	client   *client
	incident breach.IncidentID
	source   *peopleSource
	answer   api.ImportAnswer

	file *audience.File // with values
	row  audience.Row
	out  *csv.Writer
	n    int64
}

// write returns how many issues were written. The file comes into being whole or not at all.
func (w *rejectsWriter) write(ctx context.Context) (n int64, err error) {
	name := w.options.rejects
	f, err := os.CreateTemp(filepath.Dir(name), ".tocsin-rejects-*") // mode 0600
	if err != nil {
		return 0, fmt.Errorf("%s cannot be written: the import is done, tocsin people issues %s --import %d lists what was set aside", name, w.incident, w.answer.No)
	}
	defer func() {
		_ = f.Close()           // a second time, where all went well
		_ = os.Remove(f.Name()) // renamed, where all went well
	}()
	if _, err := f.WriteString("\ufeff"); err != nil { // spreadsheet programs ask for it before they read Chinese
		return 0, fmt.Errorf("%s cannot be written: is there room?", name)
	}
	w.out = csv.NewWriter(f)
	if err := w.fill(ctx); err != nil {
		return 0, err
	}
	if w.out.Flush(); w.out.Error() != nil || f.Close() != nil || os.Rename(f.Name(), name) != nil {
		return 0, fmt.Errorf("%s cannot be written: is there room? The import is done, tocsin people issues %s --import %d lists what was set aside", name, w.incident, w.answer.No)
	}
	return w.n, nil
}

func (w *rejectsWriter) fill(ctx context.Context) error {
	head := []string{"line", "column", "row", "reason", "text"}
	if w.options.withValues {
		head = append(head, "values")
		if err := w.openValues(ctx); err != nil {
			return err
		}
		defer w.file.Close()
	}
	if err := w.out.Write(head); err != nil {
		return err
	}
	if w.answer.DryRun { // the server keeps nothing of it
		return w.page(w.answer.Issues)
	}
	for after := int64(0); ; {
		var l api.IssueList
		path := fmt.Sprintf("/v1/incidents/%s/people/issues?import=%d&after=%d", w.incident, w.answer.No, after)
		if err := w.client.get(ctx, path, &l); err != nil {
			return err
		}
		if err := w.page(l.Issues); err != nil {
			return err
		}
		if after = l.After; after == 0 {
			return nil
		}
	}
}

func (w *rejectsWriter) page(issues []api.IssueView) error {
	lang, err := w.options.view.language()
	if err != nil {
		return err
	}
	for _, i := range issues {
		became, text := "kept", i.Reason
		if i.SetAside {
			became = "set aside"
		}
		if i.Text != nil {
			text = i.Text.In(lang)
		}
		cells := []string{strconv.FormatInt(i.Line, 10), harmless(i.Column), became, i.Reason, text}
		if w.options.withValues {
			raw, err := w.valuesOf(i)
			if err != nil {
				return err
			}
			cells = append(cells, harmless(raw))
		}
		if err := w.out.Write(cells); err != nil {
			return err
		}
		w.n++
	}
	return nil
}

// openValues reads the file anew, with what was said of it.
func (w *rejectsWriter) openValues(ctx context.Context) error {
	in, _, err := w.source.open(ctx)
	if err != nil {
		return err
	}
	o, err := w.options.reading()
	if err != nil {
		return err
	}
	if w.file, err = audience.Open(in, o); err != nil {
		return fmt.Errorf("read the rows once more: %w", err)
	}
	return nil
}

// reading are the options for reading the file on this side.
func (o *importOptions) reading() (audience.Options, error) {
	r := audience.Options{At: now(), Raw: true, Encoding: o.encoding, Sheet: o.sheet, Child: parquetReader()}
	for _, m := range o.maps {
		mapping, err := audience.ParseMapping(m)
		if err != nil {
			return r, err
		}
		r.Map = append(r.Map, mapping)
	}
	return r, nil
}

// valuesOf finds a row by its line. Both sides go through the file once, since issues come in the order of lines; those of
// guardians are of the other file.
func (w *rejectsWriter) valuesOf(i api.IssueView) (string, error) {
	if strings.HasPrefix(i.Column, "guardians: ") {
		return "", nil
	}
	for w.row.Line < i.Line {
		row, err := w.file.Next()
		if errors.Is(err, io.EOF) {
			return "", errors.New("the file has changed since it was imported: its rows cannot be found again")
		}
		if err != nil {
			return "", err
		}
		w.row = row
	}
	return w.row.Raw, nil
}

// harmless keeps a spreadsheet from running what it opens.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\x00", rune(s[0])) {
		return "'" + s
	}
	return s
}

// readParquetCommand is the process that reads a stranger's Parquet file. Nobody types it.
func readParquetCommand() *cobra.Command {
	return &cobra.Command{
		Use:    readParquet,
		Hidden: true,
		Short:  "Read a Parquet file for tocsin itself, within a memory limit",
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return audience.ServeParquet(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

const readParquet = "read-parquet"

// parquetReader is the command line of that process: this program.
func parquetReader() []string {
	self, err := os.Executable()
	if err != nil {
		return nil // Parquet is then refused, with what to do instead
	}
	return []string{self, readParquet}
}
