package audience

import (
	"fmt"
	"strings"
	"testing"
)

func TestEachReasonHasItsText(t *testing.T) {
	cell := map[Reason]bool{
		StrayQuote: true, Control: true, BadEmail: true, BadPhone: true, BadPushToken: true, BadLanguage: true,
		BadBirthDate: true, BadResidentID: true, BadIsMinor: true, Invisible: true,
		BadRegion: true, BadCategory: true, SerialDate: true, Formula: true, Nested: true, Merged: true, Several: true, Rounded: true, CellError: true,
		Scientific: true, MaskedValue: true, SeveralContacts: true, PhoneCountry: true, BadAge: true, PartBirthDate: true,
	}
	row := []Reason{BadEncoding, NUL, TooLong, OpenQuote, ColumnCount, Nobody, HeaderAgain, LineEnds, BadJSON, TwiceKey, NotObject, GuardianAlone, GuardianLess, AgesDiffer, NoAge, NoExactAge, NoContact, NoGuardian}
	if len(texts) != len(cell)+len(row) {
		t.Errorf("%d texts for %d reasons", len(texts), len(cell)+len(row))
	}
	for r := range texts {
		text := TextOf(r, "邮箱")
		if text.ZH == "" || text.EN == "" || strings.Contains(text.ZH+text.EN, "@") {
			t.Errorf("%s: %+v", r, text)
		}
		if named := strings.Contains(text.ZH, "“邮箱”"); named != cell[r] || named != strings.Contains(text.EN, `"邮箱"`) {
			t.Errorf("%s names its column: %v", r, named)
		}
	}
}

func TestFieldNamesAreHeaderNames(t *testing.T) {
	for _, f := range allFields() {
		for name := range strings.SplitSeq(nameOf(f), "/") {
			if fieldByName[headerKey(name)] != f {
				t.Errorf("%s is told to people and not understood", name)
			}
		}
	}
}

// The short cut asks the library once about each prefix. What it takes, the library must take for every number.
func TestTheShortCutAgreesWithTheLibrary(t *testing.T) {
	taken := 0
	for p := range 100 {
		for _, rest := range []string{"00000001", "05000000", "31415926", "50505050", "99999998"} {
			number := fmt.Sprintf("1%02d%s", p, rest)
			if !chineseMobile(number) {
				continue
			}
			taken++
			if got, ok := normalPhone("+86"+number, "CN"); !ok || got != "+86"+number {
				t.Errorf("%s is taken by the short cut only", number)
			}
		}
	}
	if taken < 200 {
		t.Errorf("the short cut takes %d numbers of 500", taken)
	}
}
