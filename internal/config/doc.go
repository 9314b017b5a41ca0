// Package config reads the operator's settings once, from a file, the environment and the command line, into one struct. It
// is the only user of viper. Nothing is guessed: a misspelt key, a number without its unit, a variable nobody knows stop the
// start, all named at once with the mend. Secrets are never in here, only the files that hold them.
//
// What a provider needs stays a raw map that the provider decodes itself, and the organisation's facts stay text: this
// package knows no provider and no law. Sample is the whole of it with every key explained.
package config
