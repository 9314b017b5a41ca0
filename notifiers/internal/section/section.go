// Package section reads a provider's section of the configuration into its struct, strictly: a key nobody knows, a value of
// another kind and a length of time without its unit are errors that name the key. It keeps out what the values mean; the
// provider's constructor judges that.
package section

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Key describes one key of a provider's section.
type Key struct {
	Name     string
	Kind     string // "string", "int", "bool", "duration"
	Default  string // empty where there is none
	Required bool
	Help     string
}

// Decode writes a section over the defaults already in *dst. Fields carry `key:"name"`; with `required:"true"` the key must
// be given and not be empty. All faults are reported at once.
func Decode(in map[string]any, dst any) error {
	v := reflect.ValueOf(dst).Elem()
	var errs []error
	known := map[string]bool{}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name := tag.Get("key")
		known[name] = true
		given, ok := in[name]
		if ok && given != nil {
			if err := set(v.Field(i), given); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
				continue
			}
		}
		if tag.Get("required") == "true" && v.Field(i).IsZero() {
			errs = append(errs, fmt.Errorf("%s is missing: %s", name, tag.Get("help")))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if !known[name] {
			errs = append(errs, fmt.Errorf("%s is not a key here; the keys are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", ")))
		}
	}
	return errors.Join(errs...)
}

func set(f reflect.Value, given any) error {
	switch f.Interface().(type) {
	case time.Duration:
		return setDuration(f, given)
	case string:
		s, ok := given.(string)
		if !ok {
			return fmt.Errorf("write it as text, in quotes; this is %s", kindOf(given))
		}
		f.SetString(s)
	case bool:
		b, ok := given.(bool)
		if !ok {
			return fmt.Errorf("write true or false; this is %s", kindOf(given))
		}
		f.SetBool(b)
	case int:
		n, ok := integer(given)
		if !ok {
			return fmt.Errorf("write a whole number; this is %s", kindOf(given))
		}
		f.SetInt(n)
	default:
		panic("section: a field of type " + f.Type().String())
	}
	return nil
}

func setDuration(f reflect.Value, given any) error {
	if d, ok := given.(time.Duration); ok {
		f.SetInt(int64(d))
		return nil
	}
	s, ok := given.(string)
	if !ok {
		return fmt.Errorf(`write a length of time with its unit, "30s" or "10m"; this is %s`, kindOf(given))
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf(`%q is not a length of time; write "30s" or "10m"`, s)
	}
	f.SetInt(int64(d))
	return nil
}

func integer(given any) (int64, bool) {
	switch n := given.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case uint64:
		return int64(n), n < 1<<62
	case float64:
		return int64(n), n == float64(int64(n))
	}
	return 0, false
}

// kindOf names a value's kind without showing it: it may be a secret in the wrong place.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case int, int64, uint64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a section"
	}
	return fmt.Sprintf("%T", v)
}

// Describe lists the keys of a section whose defaults are in cfg, in the order of its fields.
func Describe(cfg any) []Key {
	v := reflect.ValueOf(cfg)
	var keys []Key
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		k := Key{Name: tag.Get("key"), Kind: v.Field(i).Kind().String(), Required: tag.Get("required") == "true", Help: tag.Get("help")}
		if _, ok := v.Field(i).Interface().(time.Duration); ok {
			k.Kind = "duration"
		}
		if !v.Field(i).IsZero() {
			k.Default = fmt.Sprint(v.Field(i).Interface())
		}
		keys = append(keys, k)
	}
	return keys
}

// Secret reads a secret out of the file that a key names. A line end after it does not count.
func Secret(key, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", fmt.Errorf("%s: %s is empty", key, path)
	}
	if strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("%s: %s has more than one line", key, path)
	}
	return s, nil
}
