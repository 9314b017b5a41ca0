package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// delimiter separates keys inside viper. Viper's own, a dot, would split a map's key such as example.com.
const delimiter = "::"

// defaultFile is read where no file is named and it exists.
const defaultFile = "tocsin.yaml"

// Options say where settings come from. The command line goes before the environment, that before the file, that before
// the defaults.
type Options struct {
	File    string            // YAML; empty: TOCSIN_CONFIG, else tocsin.yaml if it exists
	Environ []string          // as [os.Environ] gives it
	Set     map[string]string // the command line: key, "api.listen", and value
}

// Load reads the settings. Every fault of form is named at once, with the file or variable and the key. Whether the values
// make sense is asked of [Config.Check].
func Load(o Options) (Config, error) {
	env, faults := environment(o.Environ)
	file, err := chooseFile(o.File, env["TOCSIN_CONFIG"])
	if err != nil {
		return Config{}, err
	}
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	if file != "" {
		v.SetConfigFile(file)
		v.SetConfigType("yaml")
		if err := v.ReadInConfig(); err != nil {
			return Config{}, fmt.Errorf("read the settings: %s is not YAML as it should be: %s", file, yamlFault(err))
		}
		for _, f := range examine(reflect.TypeFor[Config](), v.AllSettings(), "") {
			faults = append(faults, errors.New(file+": "+f))
		}
	}
	faults = append(faults, override(v, env, o.Set)...)
	if err := errors.Join(faults...); err != nil {
		return Config{}, err
	}
	return decode(v)
}

// decode lays what was read over the defaults.
func decode(v *viper.Viper) (Config, error) {
	defaults, err := asMap(Default())
	if err != nil {
		return Config{}, err
	}
	for name, value := range defaults {
		v.SetDefault(name, value)
	}
	var c Config
	err = v.UnmarshalExact(&c, func(d *mapstructure.DecoderConfig) {
		d.WeaklyTypedInput = false
		d.DecodeHook = mapstructure.ComposeDecodeHookFunc(mapstructure.StringToTimeDurationHookFunc(), wholeToFloat)
	})
	if err != nil {
		return Config{}, fmt.Errorf("read the settings: %w", err)
	}
	return c, nil
}

// wholeToFloat lets YAML's 1 stand for 1.0.
func wholeToFloat(from, to reflect.Type, value any) (any, error) {
	if n, ok := value.(int); ok && from.Kind() == reflect.Int && to.Kind() == reflect.Float64 {
		return float64(n), nil
	}
	return value, nil
}

func asMap(c Config) (map[string]any, error) {
	out := map[string]any{}
	if err := mapstructure.Decode(c, &out); err != nil {
		return nil, fmt.Errorf("lay out the defaults: %w", err)
	}
	return out, nil
}

// chooseFile returns the file to read, or nothing where there is none and none was named.
func chooseFile(named, fromEnv string) (string, error) {
	if named == "" {
		named = fromEnv
	}
	if named == "" {
		if _, err := os.Stat(defaultFile); errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		named = defaultFile
	}
	info, err := os.Stat(named)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("read the settings: there is no file %s; tocsin config sample > %s makes one", named, filepath.Base(named))
	case err != nil:
		return "", fmt.Errorf("read the settings: %w", err)
	case info.IsDir():
		return "", fmt.Errorf("read the settings: %s is a folder, not a file", named)
	}
	return named, nil
}

// yamlFault keeps the line and drops what the parser quotes around it.
func yamlFault(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	if _, after, ok := strings.Cut(text, "yaml: "); ok {
		text = after
	}
	return text
}

// environment picks Tocsin's variables. One that nobody knows is a fault: it was meant to do something.
func environment(environ []string) (map[string]string, []error) {
	known := map[string]bool{"TOCSIN_CONFIG": true}
	for _, key := range Keys() {
		known[EnvName(key)] = true
	}
	found := map[string]string{}
	var faults []error
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		switch {
		case !strings.HasPrefix(name, "TOCSIN_") || strings.HasPrefix(name, "TOCSIN_TEST_"):
		case known[name]:
			found[name] = value
		default:
			faults = append(faults, errors.New("environment: "+misspelt("", name, slices.Collect(maps.Keys(known)))))
		}
	}
	return found, faults
}

// override puts the environment's and the command line's values over the file's.
func override(v *viper.Viper, env, set map[string]string) []error {
	var faults []error
	all := leaves(reflect.TypeFor[Config](), "")
	for _, l := range all {
		text, given := env[EnvName(l.key)]
		place := "environment: " + EnvName(l.key)
		if flag, ok := set[l.key]; ok {
			text, given, place = flag, true, "command line: "+l.key
		}
		if !given {
			continue
		}
		value, err := l.parse(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s %w", place, err))
			continue
		}
		v.Set(strings.ReplaceAll(l.key, ".", delimiter), value)
	}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if !slices.ContainsFunc(all, func(l leaf) bool { return l.key == key }) {
			faults = append(faults, errors.New("command line: "+misspelt("", key, Keys())))
		}
	}
	return faults
}

// examine compares what a file says with what there is to say. It returns one sentence for each fault.
func examine(t reflect.Type, got map[string]any, where string) []string {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		fields[f.Tag.Get("mapstructure")] = f.Type
	}
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(got)) {
		typ, known := fields[name]
		if !known {
			faults = append(faults, misspelt(where, name, slices.Collect(maps.Keys(fields))))
			continue
		}
		faults = append(faults, examineValue(typ, got[name], where+name)...)
	}
	return faults
}

func examineValue(t reflect.Type, value any, key string) []string {
	if t.Kind() == reflect.Pointer { // a value whose zero says something else than nothing
		t = t.Elem()
	}
	fault := []string{key + " must be " + form(t)}
	switch t.Kind() {
	case reflect.Struct:
		section, ok := value.(map[string]any)
		if !ok {
			return fault
		}
		return examine(t, section, key+".")
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			return fault
		}
		var faults []string
		for i, entry := range list {
			faults = append(faults, examineValue(t.Elem(), entry, key+"["+strconv.Itoa(i+1)+"]")...)
		}
		return faults
	case reflect.Map: // a provider's own section
		if _, ok := value.(map[string]any); !ok {
			return fault
		}
		return nil
	}
	if !fits(t, value) {
		return fault
	}
	return nil
}

// fits reports whether a file's scalar has the right type. A length of time is text, so that it has a unit.
func fits(t reflect.Type, value any) bool {
	switch v := value.(type) {
	case string:
		if t == durationType {
			_, err := time.ParseDuration(v)
			return err == nil
		}
		return t.Kind() == reflect.String
	case bool:
		return t.Kind() == reflect.Bool
	case int:
		return t != durationType && (t.Kind() == reflect.Int || t.Kind() == reflect.Float64)
	case float64:
		return t.Kind() == reflect.Float64
	}
	return false
}
