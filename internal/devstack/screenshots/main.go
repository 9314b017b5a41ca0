// Command screenshots takes the README's pictures of a running tocsin dev or demo: the Temporal UI's list with Tocsin's
// columns, one incident's page with its current details, and a public notice. It drives a headless Chromium that the machine
// must have, with an empty profile.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chromedp/chromedp"
)

// columns are what a manager wants to see. The UI keeps the choice in the browser.
var columns = []string{
	"Status", "Workflow ID", "BreachPhase", "BreachAwaits", "BreachNextDeadline", "BreachTold", "BreachTotal", "BreachStatusLine", "BreachSeverity",
}

type request struct {
	ui, namespace, workflow, notice, out string
}

func main() {
	var r request
	flag.StringVar(&r.ui, "ui", "http://127.0.0.1:8233", "the Temporal UI's address")
	flag.StringVar(&r.namespace, "namespace", "default", "Temporal's namespace")
	flag.StringVar(&r.workflow, "workflow", "", "an incident's workflow id; empty takes the newest incident")
	flag.StringVar(&r.notice, "notice", "", "a public notice's address: takes its picture instead of the Temporal UI's")
	flag.StringVar(&r.out, "out", "docs/images", "the folder for the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, r); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, r request) error {
	path, err := findChromium()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return fmt.Errorf("make the folder for the pictures: %w", err)
	}
	profile, err := os.MkdirTemp("", "tocsin-chromium-")
	if err != nil {
		return fmt.Errorf("make an empty profile: %w", err)
	}
	defer os.RemoveAll(profile)
	ctx, cancel := chromedp.NewExecAllocator(ctx, browserOptions(path, profile)...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1920, 1000)); err != nil { // starts the browser
		return fmt.Errorf("start %s: %w", path, err)
	}
	return r.shoot(ctx)
}

// browserOptions keep the browser from asking the world anything.
func browserOptions(path, profile string) []chromedp.ExecAllocatorOption {
	return append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en-US"),
	)
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium on this machine; install it (Debian: apt-get install chromium fonts-noto-cjk)")
}

func (r request) shoot(ctx context.Context) error {
	if r.notice != "" {
		return r.picture(ctx, "public-notice.png", r.notice, "")
	}
	id, runID, err := r.incident(ctx)
	if err != nil {
		return err
	}
	all := r.ui + "/namespaces/" + url.PathEscape(r.namespace) + "/workflows"
	list := all + "?query=" + url.QueryEscape(`ExecutionStatus = "Running" AND BreachKind != "shard"`) // what is still open
	page := all + "/" + url.PathEscape(id) + "/" + url.PathEscape(runID)
	if err := remember(ctx, list, r.namespace); err != nil {
		return err
	}
	pictures := []struct{ file, address, until string }{
		{"temporal-list.png", list, id},
		{"temporal-incident.png", page + "/user-metadata", "Current Details"},
	}
	for _, p := range pictures {
		if err := r.picture(ctx, p.file, p.address, p.until); err != nil {
			return err
		}
	}
	return nil
}

// incident asks the UI's server for the newest incident's workflow and run.
func (r request) incident(ctx context.Context) (id, runID string, err error) {
	query := `BreachKind = "incident"`
	if r.workflow != "" {
		query = fmt.Sprintf("WorkflowId = %q", r.workflow)
	}
	address := r.ui + "/api/v1/namespaces/" + url.PathEscape(r.namespace) + "/workflows?query=" + url.QueryEscape(query)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", fmt.Errorf("ask the Temporal UI for incidents: %w", err)
	}
	defer resp.Body.Close()
	var list struct {
		Executions []struct {
			Execution struct{ WorkflowID, RunID string }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return "", "", fmt.Errorf("read the Temporal UI's list: %w", err)
	}
	if len(list.Executions) == 0 {
		return "", "", errors.New("there is no incident to take a picture of; run the demo first")
	}
	return list.Executions[0].Execution.WorkflowID, list.Executions[0].Execution.RunID, nil
}

// remember sets what a manager would have chosen in the browser: the list's columns.
func remember(ctx context.Context, list, namespace string) error {
	type column struct {
		Label  string `json:"label"`
		Pinned bool   `json:"pinned"`
	}
	var chosen []column
	for _, label := range columns {
		chosen = append(chosen, column{label, label == "Workflow ID"})
	}
	value, err := json.Marshal(map[string][]column{namespace: chosen})
	if err != nil {
		return err
	}
	script := fmt.Sprintf("localStorage.setItem('namespace-workflow-table-columns', %q); localStorage.setItem('nav-open', 'false'); true", value)
	if err := chromedp.Do(ctx, chromedp.Navigate(list)); err != nil {
		return fmt.Errorf("open the Temporal UI: %w", err)
	}
	_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](script))
	return err
}

// settled is how long a page is left alone once it shows what was waited for: tables and timelines are drawn after it.
const settled = 2 * time.Second

// picture takes one, once the page shows a text.
func (r request) picture(ctx context.Context, file, address, until string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, fmt.Errorf("%s did not show %q within a minute", address, until))
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return fmt.Errorf("open %s: %w", address, err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](fmt.Sprintf("document.body.innerText.includes(%q)", until), chromedp.WithPollingTimeout(50*time.Second))); err != nil {
		return fmt.Errorf("wait for %s: %w", address, errors.Join(context.Cause(ctx), err))
	}
	if err := chromedp.Do(ctx, chromedp.Sleep(settled)); err != nil {
		return err
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return fmt.Errorf("take %s: %w", file, err)
	}
	path := filepath.Join(r.out, file)
	if err := os.WriteFile(path, png, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	fmt.Printf("%s (%s)\n", path, strings.TrimSpace(fmt.Sprintf("%d kB", len(png)/1000)))
	return nil
}
