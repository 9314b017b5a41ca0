package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// dutyExample is what examples of filing commands name.
const dutyExample = "INC-2026-0001 cn-cac-other/cn-cac-provincial"

// onDuty makes a command that acts on one duty of an incident.
func onDuty(o *viewOptions, cmd *cobra.Command, run func(cmd *cobra.Command, c *client, id breach.IncidentID, key string) error) *cobra.Command {
	cmd.Use += " INCIDENT DUTY"
	cmd.Args = cobra.ExactArgs(2)
	return onDutyArgs(o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, args []string) error {
		return run(cmd, c, id, args[0])
	})
}

// onDutyArgs is [onDuty] with more arguments, which follow the duty in args.
func onDutyArgs(o *viewOptions, cmd *cobra.Command, run func(cmd *cobra.Command, c *client, id breach.IncidentID, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		id, err := incidentArg(args)
		if err != nil {
			return err
		}
		c, err := newClient(cmd)
		if err != nil {
			return err
		}
		return run(cmd, c, id, args[1:])
	}
	o.add(cmd)
	return cmd
}

func dutyPath(id breach.IncidentID, what, key string) string {
	return "/v1/incidents/" + string(id) + "/" + what + "?duty=" + url.QueryEscape(key)
}

// instant reads a time that a person types. It must say its zone: a receipt's minute is law.
func instant(flag, s string) (time.Time, error) {
	if s == "now" {
		return now().UTC().Truncate(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04 Z07:00"} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usage("--%s must be an instant with its zone, such as 2026-11-22T03:40+08:00", flag)
}

// mediaTypes are those of files that people add, by their ending.
var mediaTypes = map[string]string{
	".pdf": "application/pdf", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".heic": "image/heic",
	".tif": "image/tiff", ".tiff": "image/tiff", ".txt": "text/plain", ".eml": "message/rfc822", ".zip": "application/zip",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// keep uploads a file as evidence.
func (c *client) keep(ctx context.Context, id breach.IncidentID, kind store.EvidenceKind, duty, file string) (store.Evidence, error) {
	var e store.Evidence
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return e, fmt.Errorf("read %s: %w", file, pathless(err))
	case !info.Mode().IsRegular():
		return e, fmt.Errorf("%s is not a file", file)
	case info.Size() > store.MaxEvidence:
		return e, fmt.Errorf("%s has %d bytes; at most %d (20 MiB) are kept: make the picture smaller, or split the file", file, info.Size(), store.MaxEvidence)
	case info.Size() == 0:
		return e, fmt.Errorf("%s is empty", file)
	}
	media, known := mediaTypes[strings.ToLower(filepath.Ext(file))]
	if !known {
		return e, fmt.Errorf("%s: evidence is a PDF, a picture (jpg, png, webp, heic, tiff), txt, eml, docx, xlsx or zip; put other files into a zip", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return e, fmt.Errorf("read %s: %w", file, pathless(err))
	}
	defer f.Close()
	header := http.Header{"Content-Disposition": {"attachment; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(filepath.Base(file)), "+", "%20")}}
	path := "/v1/incidents/" + string(id) + "/evidence?kind=" + url.QueryEscape(string(kind))
	if duty != "" {
		path += "&duty=" + url.QueryEscape(duty)
	}
	err = c.do(ctx, http.MethodPost, path, sized{f, info.Size()}, media, header, &e)
	return e, err
}

// keepAll uploads files and returns their ids. Those before a failure stay: they are evidence all the same.
func (c *client) keepAll(ctx context.Context, id breach.IncidentID, kind store.EvidenceKind, duty string, files []string) ([]string, error) {
	var ids []string
	for _, file := range files {
		e, err := c.keep(ctx, id, kind, duty, file)
		if err != nil {
			return ids, err
		}
		ids = append(ids, e.ID)
	}
	return ids, nil
}

// pathless takes the path out of a file's error, where the sentence names it already.
func pathless(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// versions reads every version of a duty's report, newest first.
func (c *client) versions(ctx context.Context, id breach.IncidentID, key string) ([]api.VersionView, error) {
	var l api.VersionList
	if err := c.get(ctx, dutyPath(id, "filing/versions", key), &l); err != nil {
		return nil, err
	}
	if len(l.Versions) == 0 {
		return nil, fmt.Errorf("there is no draft for %s yet", key)
	}
	return l.Versions, nil
}

// pick finds a version by its number; 0 is the current one, or the newest where all are void.
func pick(all []api.VersionView, n int) (api.VersionView, error) {
	for _, v := range all {
		if n == v.Version || n == 0 && v.VoidedAt == nil {
			return v, nil
		}
	}
	if n == 0 {
		return all[0], nil
	}
	return api.VersionView{}, fmt.Errorf("there is no version %d; the newest is %d", n, all[0].Version)
}

// writeOut writes to a new file that only its owner can read, or to the output where out is empty. A file that is there is
// not overwritten.
func writeOut(cmd *cobra.Command, out string, b []byte) error {
	if out == "" || out == "-" {
		_, err := cmd.OutOrStdout().Write(b)
		return err
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists and is not overwritten: name another file", out)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", out, pathless(err))
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", out, pathless(err))
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Wrote %s (%d bytes).\n", out, len(b))
	return nil
}
