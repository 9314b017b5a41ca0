package templates

import "tocsin/internal/breach"

var publicGrammar = grammar{
	head:    []string{"title"},
	scalars: noticeGrammar.scalars[:13],
	lists:   noticeGrammar.lists,
	flags:   noticeGrammar.flags,
	groups:  Groups(),
}

var _ = breach.Chinese
var filingGrammar, messageGrammar grammar

func checkArgument(name, arg string) error { return nil }
