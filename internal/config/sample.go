package config

import _ "embed"

//go:embed sample.yaml
var sample string

// Sample is a whole settings file: every key with its default, and when you need it.
func Sample() string { return sample }
