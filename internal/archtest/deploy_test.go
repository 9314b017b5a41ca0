package archtest_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"tocsin/internal/config"
	"tocsin/workflows"
)

type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Configs  map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
	Volumes map[string]any `yaml:"volumes"`
}

type composeService struct {
	Image       string            `yaml:"image"`
	Restart     string            `yaml:"restart"`
	Environment map[string]string `yaml:"environment"`
	DependsOn   map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	Configs []struct {
		Source string `yaml:"source"`
	} `yaml:"configs"`
	Volumes     []string `yaml:"volumes"`
	Ports       []string `yaml:"ports"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

func readCompose(t *testing.T) (composeFile, string) {
	t.Helper()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c composeFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c, string(text)
}

func TestComposeHangsTogether(t *testing.T) {
	c, _ := readCompose(t)
	for name, s := range c.Services {
		for needed, how := range s.DependsOn {
			other, ok := c.Services[needed]
			switch {
			case !ok:
				t.Errorf("%s waits for %s, which does not exist", name, needed)
			case how.Condition == "service_healthy" && len(other.Healthcheck.Test) == 0:
				t.Errorf("%s waits until %s is healthy, but %s has no health check", name, needed, needed)
			case how.Condition == "service_completed_successfully" && (other.Restart == "unless-stopped" || other.Restart == "always"):
				t.Errorf("%s waits until %s has ended, but %s is started again and again", name, needed, needed)
			}
		}
		for _, used := range s.Configs {
			if c.Configs[used.Source].Content == "" {
				t.Errorf("%s uses the config %s, which does not exist", name, used.Source)
			}
		}
		for _, v := range s.Volumes {
			if volume, _, _ := strings.Cut(v, ":"); !strings.HasPrefix(volume, "/") && !strings.HasPrefix(volume, ".") {
				if _, ok := c.Volumes[volume]; !ok {
					t.Errorf("%s uses the volume %s, which does not exist", name, volume)
				}
			}
		}
	}
}

var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?$`)

func TestComposePinsEveryImage(t *testing.T) {
	c, _ := readCompose(t)
	for name, s := range c.Services {
		if s.Image != "tocsin:local" && !pinned.MatchString(s.Image) {
			t.Errorf("%s: the image %q has no exact version", name, s.Image)
		}
	}
}

func TestComposeIsReachableFromThisMachineOnly(t *testing.T) {
	c, _ := readCompose(t)
	taken := map[string]string{}
	for name, s := range c.Services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: the port %s is open to everybody", name, port)
			}
			outside := strings.Split(port, ":")[1]
			if taken[outside] != "" {
				t.Errorf("%s and %s share the port %s", name, taken[outside], outside)
			}
			taken[outside] = name
		}
	}
}

func TestComposeVariablesAreExplained(t *testing.T) {
	_, text := readCompose(t)
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, m := range regexp.MustCompile(`(?:^|[^$])\$\{([A-Z_]+)`).FindAllStringSubmatch(text, -1) {
		used = append(used, m[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^# .*\n([A-Z_]+)=`).FindAllStringSubmatch(string(example), -1) {
		if !slices.Contains(used, m[1]) {
			t.Errorf(".env.example explains %s, which nothing uses", m[1])
		}
	}
	for _, name := range used {
		if !regexp.MustCompile(`(?m)^# .*\n` + name + `=`).Match(example) {
			t.Errorf("%s is not explained in .env.example", name)
		}
	}
}

func TestComposeScriptsEscapeTheirDollars(t *testing.T) {
	_, text := readCompose(t)
	for line := range strings.Lines(text) {
		if regexp.MustCompile(`(^|[^$])\$[A-Za-z0-9@(]`).MatchString(line) {
			t.Errorf("compose would replace this itself; write $$: %s", strings.TrimSpace(line))
		}
	}
}

func TestComposeSettingsAreSettings(t *testing.T) {
	c, _ := readCompose(t)
	file := t.TempDir() + "/tocsin.yaml"
	if err := os.WriteFile(file, []byte(c.Configs["settings"].Content), 0o600); err != nil {
		t.Fatal(err)
	}
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range []string{"api", "worker", "migrate", "key"} {
		var environ []string
		for name, value := range c.Services[service].Environment {
			if name != "TOCSIN_CONFIG" {
				environ = append(environ, name+"="+value)
			}
		}
		environ = append(environ, regexp.MustCompile(`TOCSIN_[A-Z_]+=\S+`).FindAllString(string(dockerfile), -1)...)
		if _, err := config.Load(config.Options{File: file, Environ: environ}); err != nil {
			t.Errorf("%s: %v", service, err)
		}
	}
}

func TestComposeRegistersEverySearchAttribute(t *testing.T) {
	c, _ := readCompose(t)
	for _, key := range workflows.SearchAttributes() {
		line := "column " + key.GetName() + " " + key.GetValueType().String() + "\n"
		if !strings.Contains(c.Configs["temporal-namespace"].Content, line) {
			t.Errorf("temporal-namespace lacks: %s", line)
		}
	}
}

func TestDockerfileRunsWithoutRoot(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(text), "\nFROM alpine")
	if !strings.Contains(last, "\nUSER 65532:65532\n") {
		t.Error("the image's last stage runs as root")
	}
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(text), -1) {
		if !pinned.MatchString(m[1]) {
			t.Errorf("the image %q has no exact version", m[1])
		}
	}
}
