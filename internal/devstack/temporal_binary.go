package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
)

// temporalSeen is how long the build from source took when last measured, on two idle cores with an empty build cache.
const temporalSeen = "2 min 30 s"

// temporalCommand is the package that .ci/tools.mod pins.
const temporalCommand = "github.com/temporalio/cli/cmd/temporal"

// locateTemporal returns a temporal executable: the one that was named, one found on the machine, the SDK's download, or
// one built from the pinned module. It is called before every start and is quick once there is one.
func locateTemporal(ctx context.Context, named string, say func(string)) (string, error) {
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("find the Temporal server: %s is named in the settings and cannot be used: %w", named, err)
		}
		return filepath.Abs(named)
	}
	if path, ok := findTemporal(); ok {
		return path, nil
	}
	path, errDownload := downloadTemporal(ctx, say)
	if errDownload == nil {
		return path, nil
	}
	say("the Temporal dev server could not be downloaded: " + errDownload.Error())
	path, errBuild := buildTemporal(ctx, say)
	if errBuild == nil {
		return path, nil
	}
	return "", fmt.Errorf("find the Temporal dev server: no temporal on PATH or in ./bin, the download failed (%w), and so did the build (%w). "+
		"Install the Temporal CLI (https://docs.temporal.io/cli), or set temporal.address to a server you have", errDownload, errBuild)
}

// findTemporal looks on PATH, in bin of the work tree, beside our own executable, and among the SDK's downloads.
func findTemporal() (string, bool) {
	if path, err := exec.LookPath("temporal"); err == nil {
		path, err = filepath.Abs(path)
		return path, err == nil
	}
	var candidates []string
	if root, ok := workTree(); ok {
		candidates = append(candidates, filepath.Join(root, "bin", "temporal"))
	}
	if self, err := os.Executable(); err == nil {
		candidates = append(candidates, filepath.Join(filepath.Dir(self), "temporal"))
	}
	downloads, _ := filepath.Glob(filepath.Join(downloadFolder(), "temporal-cli-*"))
	for _, path := range append(candidates, finished(downloads)...) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, true
		}
	}
	return "", false
}

// finished leaves out downloads that were cut off.
func finished(downloads []string) []string {
	return slices.DeleteFunc(downloads, func(path string) bool { return strings.Contains(path, "downloading") })
}

func downloadFolder() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "tocsin")
}

// downloadTemporal lets the SDK fetch its dev server. The SDK only does so on the way to a running server, which is
// ended again at once: the one that stays is started on a leash.
func downloadTemporal(ctx context.Context, say func(string)) (string, error) {
	folder := downloadFolder()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("make the folder for downloads: %w", err)
	}
	say("no Temporal dev server on this machine: downloading one (about 50 MB, once)")
	ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Minute, errors.New("the download took more than three minutes"))
	defer cancel()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{
		CachedDownload: testsuite.CachedDownload{DestDir: folder},
		ClientOptions:  &client.Options{Logger: silent{}},
		LogLevel:       "never",
		Stdout:         io.Discard,
		Stderr:         io.Discard,
	})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return "", err
	}
	server.Client().Close()
	if err := server.Stop(); err != nil {
		return "", fmt.Errorf("end the downloaded server's first run: %w", err)
	}
	path, ok := findTemporal()
	if !ok {
		return "", errors.New("the download left no executable")
	}
	return path, nil
}

// buildTemporal compiles the pinned Temporal CLI into bin of the work tree.
func buildTemporal(ctx context.Context, say func(string)) (string, error) {
	root, ok := workTree()
	if !ok {
		return "", errors.New("it is built in Tocsin's source tree, and this folder is not inside one")
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		return "", fmt.Errorf("make the folder bin: %w", err)
	}
	gate, err := os.OpenFile(filepath.Join(root, "bin", ".temporal.lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", fmt.Errorf("open the build's lock: %w", err)
	}
	defer gate.Close()
	if err := syscall.Flock(int(gate.Fd()), syscall.LOCK_EX); err != nil { // two builds at once take more than twice as long
		return "", fmt.Errorf("wait for another build: %w", err)
	}
	target := filepath.Join(root, "bin", "temporal")
	if _, err := os.Stat(target); err == nil { // built while we waited
		return target, nil
	}
	say("building the Temporal dev server from source, once; last seen to take " + temporalSeen + " on two cores")
	cmd := exec.CommandContext(ctx, "go", "build", "-modfile=.ci/tools.mod", "-o", target+".new", temporalCommand)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, lastLine(out))
	}
	return target, os.Rename(target+".new", target)
}

// workTree finds Tocsin's source tree above the working directory.
func workTree() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".ci", "tools.mod")); err == nil {
			return dir, true
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
	}
}

// silent drops what the SDK logs while it starts a server; what matters comes back as an error.
type silent struct{}

var _ log.Logger = silent{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
