// Package templates holds every text that leaves the house, and makes finished texts of them: notices to affected people
// and their guardians, the public notice, filings to authorities, and the short messages that wake our own people.
//
// A text is one file per language, written in a small grammar of its own (see source.go): values from a closed list of
// names, conditions, lists, headings. A name that the kind of text does not know is an error when the set is loaded, so
// that a wrong text is found on a quiet afternoon. A folder of the operator's may replace any text by a file of the same
// path. The grammar cannot call anything, and values never become markup; html/template draws our own page frames only.
//
// Notices are made in two stages, because an approval binds to exact bytes and names are merged per person afterwards:
// [Set.Notice] makes the text to approve, [NoticeText.Merge] puts the names in and changes nothing else. [Lint] holds every
// notice to the rules that let a cautious reader trust it, and fails closed.
//
// The package keeps out: whom to tell, by which channel, whether a duty exists, and any store or network.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

//go:embed notices filings messages playbooks
var shipped embed.FS

// Set is a complete set of texts. It is immutable and safe for concurrent use.
type Set struct {
	notices  map[string]*source // "person.zh-CN", "us-california/person.en"
	laws     map[string]*Law    // "cn-pipl"
	filings  map[string]*source // "cn-cac/initial.zh-CN"
	parts    map[string]*source // "contact.zh-CN": lines that many forms share
	byRule   map[string]string  // form by selector, see [Set.FormFor]
	messages map[string]*source // "reminder.zh-CN"
	words    map[breach.Language]words
	files    fs.FS
}

// Languages lists the languages that every text exists in.
func Languages() []breach.Language { return []breach.Language{breach.Chinese, breach.English} }

// Default returns the texts that ship with Tocsin.
func Default() *Set {
	s, err := New(nil)
	if err != nil {
		panic("templates: " + err.Error()) // a test loads them, so this is a programmer's mistake
	}
	return s
}

// Open returns the shipped texts with those of a folder in place of the ones that have the same path. An empty name means
// no folder.
func Open(folder string) (*Set, error) {
	if folder == "" {
		return New(nil)
	}
	info, err := os.Stat(folder)
	if err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the folder of texts %s cannot be opened: it must be a folder that holds files such as notices/person.zh-CN.txt", folder)
	}
	return New(os.DirFS(folder))
}

// New is [Open] for any file system; nil means the shipped texts alone. Every mistake in every file is reported at once.
func New(overrides fs.FS) (*Set, error) {
	files := layered{top: overrides}
	s := &Set{
		notices: map[string]*source{}, laws: map[string]*Law{}, filings: map[string]*source{}, parts: map[string]*source{}, messages: map[string]*source{},
		words: map[breach.Language]words{}, files: files,
	}
	var faults []error
	if overrides != nil {
		faults = append(faults, strangers(overrides)...)
	}
	err := fs.WalkDir(shipped, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		faults = append(faults, s.load(files, name))
		return nil
	})
	faults = append(faults, err)
	own := ownForms(overrides)
	for _, name := range own {
		faults = append(faults, s.load(files, name))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if err := s.link(own); err != nil {
		return nil, err
	}
	return s, nil
}

// Playbook returns the bytes of a shipped or overriding emergency plan, "personal-data-leak".
func (s *Set) Playbook(name string) ([]byte, error) {
	b, err := fs.ReadFile(s.files, "playbooks/"+name+".json")
	if err != nil {
		return nil, fmt.Errorf("there is no playbook named %q", name)
	}
	return b, nil
}

func (s *Set) load(files fs.FS, name string) error {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("%s: cannot be read", name)
	}
	folder, file, _ := strings.Cut(name, "/")
	key := strings.TrimSuffix(file, ".txt")
	switch {
	case folder == "playbooks":
		return nil // the playbook package judges plans
	case strings.HasPrefix(file, "words."):
		l := breach.Language(strings.TrimPrefix(key, "words."))
		s.words[l], err = parseWords(name, b)
		return err
	case strings.HasPrefix(name, "notices/laws/"):
		law := strings.TrimPrefix(key, "laws/")
		s.laws[law], err = parseLaw(name, law, b)
	case strings.HasPrefix(name, "notices/public."):
		s.notices[key], err = parseSource(name, b, publicGrammar)
	case strings.HasPrefix(name, "notices/supplement."):
		s.notices[key], err = parseSource(name, b, supplementGrammar)
	case folder == "notices":
		s.notices[key], err = parseSource(name, b, noticeGrammar)
	case strings.HasPrefix(name, "filings/parts/"):
		s.parts[strings.TrimPrefix(key, "parts/")], err = parseSource(name, b, partGrammar)
	case folder == "filings":
		s.filings[key], err = parseSource(name, b, filingGrammar)
	case folder == "messages":
		s.messages[key], err = parseSource(name, b, messageGrammar)
	}
	return err
}

// strangers reports override files that replace nothing: most often a misspelt name.
func strangers(overrides fs.FS) []error {
	var faults []error
	err := fs.WalkDir(overrides, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") || strings.HasPrefix(name, "playbooks/") {
			return err
		}
		if _, err := fs.Stat(shipped, name); err != nil && !ownForm.MatchString(name) {
			faults = append(faults, fmt.Errorf("%s: replaces no text; the texts are: %s", name, strings.Join(textFiles(), ", ")))
		}
		return nil
	})
	if err != nil {
		faults = append(faults, errors.New("the folder of texts cannot be read"))
	}
	return faults
}

func textFiles() []string {
	var names []string
	_ = fs.WalkDir(shipped, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(name, "playbooks/") {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names
}

// layered reads a file from the top layer where it has it, else from the shipped ones.
type layered struct{ top fs.FS }

func (l layered) Open(name string) (fs.File, error) {
	if l.top != nil {
		if f, err := l.top.Open(name); err == nil {
			return f, nil
		}
	}
	return shipped.Open(name)
}
