package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

// words are the short phrases that texts are made of: a file of "key = phrase" lines per language.
type words map[string]string

func parseWords(path string, b []byte) (words, error) {
	w := words{}
	var faults []error
	for i, l := range strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n") {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "//") {
			continue
		}
		key, phrase, ok := strings.Cut(l, " = ")
		key = strings.TrimSpace(key)
		switch {
		case !ok || strings.TrimSpace(phrase) == "":
			faults = append(faults, fmt.Errorf("%s:%d: a line is \"key = phrase\"", path, i+1))
		case !knownKey(key):
			faults = append(faults, fmt.Errorf("%s:%d: no text uses the phrase %q", path, i+1, key))
		case w[key] != "":
			faults = append(faults, fmt.Errorf("%s:%d: %s is given twice", path, i+1, key))
		default:
			w[key] = clean(phrase)
		}
	}
	for _, key := range wordKeys() {
		if w[key] == "" {
			faults = append(faults, fmt.Errorf("%s: a line \"%s = …\" is missing", path, key))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return w, nil
}

// phrase returns the phrase for an audience, else the one for everybody, else nothing.
func (w words) phrase(who, key string) string {
	p := w[who+"."+key]
	if p == "" {
		p = w[key]
	}
	if p == "-" {
		return ""
	}
	return strings.NewReplacer("{whose}", w[who+".whose"], "{you}", w[who+".you"]).Replace(p)
}

// wordKeys lists the phrases that every words file must have: each value of the facts that a notice speaks of.
func wordKeys() []string {
	keys := []string{"harm.default", "category.default", "measure.plan"}
	for _, who := range []string{"person", "minor", "guardian", "public"} {
		keys = append(keys, who+".whose", who+".you")
	}
	kinds, _ := breach.DefOf("kinds")
	for _, k := range kinds.Values {
		keys = append(keys, "kind."+k+".suspected", "kind."+k+".confirmed", "harm.kind."+k)
	}
	categories, _ := breach.DefOf("data.categories")
	for _, c := range categories.Values {
		keys = append(keys, "category."+c, "harm."+c)
	}
	return keys
}

// knownKey reports whether a key can have an effect.
func knownKey(key string) bool {
	for _, who := range []string{"person.", "minor.", "guardian.", "public."} {
		key = strings.TrimPrefix(key, who)
	}
	if rest, ok := strings.CutPrefix(key, "advice.kind."); ok {
		key = "harm.kind." + rest
	} else if rest, ok := strings.CutPrefix(key, "advice."); ok {
		key = "category." + rest
	}
	return key == "whose" || key == "you" || slices.Contains(wordKeys(), key)
}
