package templates

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tocsin/internal/breach"
)

// AnswerItem is something that a form asks for and that the facts of an incident cannot say. A person answers it.
type AnswerItem struct {
	Key  string
	Name breach.Text // a noun, for lists
	Help breach.Text // what to write, in a line
}

// askedKey is the key of a content that the law asks for and that a form has no row of its own for: the first is asked.1.
var askedKey = regexp.MustCompile(`^asked\.[1-9][0-9]?$`)

// maxAnswer is the length of an answer in characters. A longer one belongs into an attachment.
const maxAnswer = 8000

// AnswerItems lists what a person may be asked for, in the order in which a report is written.
func AnswerItems() []AnswerItem { return slices.Clone(answerItems) }

// AnswerKeys lists the keys of [AnswerItems].
func AnswerKeys() []string {
	keys := make([]string, len(answerItems))
	for i, a := range answerItems {
		keys[i] = a.Key
	}
	return keys
}

func answerItem(key string) (AnswerItem, bool) {
	i := slices.IndexFunc(answerItems, func(a AnswerItem) bool { return a.Key == key })
	if i < 0 {
		return AnswerItem{}, false
	}
	return answerItems[i], true
}

// CheckAnswer says what is wrong with an answer. A key that no form knows is an error, because the answer would stand nowhere;
// under a fact's name only the reason stands why the fact does not apply, for its value is a fact and is stated as one.
func CheckAnswer(key string, a Answer) error {
	_, isItem := answerItem(key)
	isItem = isItem || askedKey.MatchString(key)
	_, isFact := breach.DefOf(breach.FactName(key))
	switch {
	case !isItem && !isFact:
		return fmt.Errorf("no form asks for the item %q; the items are: %s", key, strings.Join(AnswerKeys(), ", "))
	case isFact && a.Text != breach.Text{}:
		return fmt.Errorf("%s is a fact: state it as one; an answer can only say why it does not apply", key)
	case a.Text != breach.Text{} && a.NotApplicable != breach.Text{}:
		return fmt.Errorf("%s has an answer and a reason why it does not apply; give one of the two", key)
	}
	for _, s := range []string{a.Text.ZH, a.Text.EN, a.NotApplicable.ZH, a.NotApplicable.EN} {
		if utf8.RuneCountInString(s) > maxAnswer {
			return errors.New(key + fmt.Sprintf(" is longer than %d characters; put the rest into an attachment and refer to it", maxAnswer))
		}
	}
	return nil
}
