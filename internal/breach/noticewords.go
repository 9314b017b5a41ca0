package breach

// NoticeWords are what people of ours write for a notice, besides what follows from the facts. All of it is published: it
// names nobody.
type NoticeWords struct {
	Cause         Text   `json:"cause,omitzero"`           // one sentence; empty says that it is being investigated
	MinorCause    Text   `json:"minor_cause,omitzero"`     // the same in words that a child understands; empty: as Cause
	Harms         []Text `json:"harms,omitempty"`          // besides those that the categories of data bring
	Measures      []Text `json:"measures,omitempty"`       // taken so far, besides the plan that began by itself
	MinorMeasures []Text `json:"minor_measures,omitempty"` // in words that a child understands; empty: as Measures
	Advice        []Text `json:"advice,omitempty"`         // besides that of the categories
	Offer         Text   `json:"offer,omitzero"`           // services against identity theft and how to take them up, see Cal. Civ. Code 1798.82(d)(2)(G)
	DelayReason   Text   `json:"delay_reason,omitzero"`    // why the notice comes late, where it does
	Correction    Text   `json:"correction,omitzero"`      // what a later notice corrects or adds
}

// NoticeWordsLimit is the most characters of one text.
const NoticeWordsLimit = 600

// Faults names every text that lacks one of its languages or is too long, by its field.
func (w NoticeWords) Faults() []string {
	var faults []string
	check := func(field string, t Text) {
		switch {
		case (t.ZH == "") != (t.EN == ""):
			faults = append(faults, field+" must be given in Chinese (zh) and in English (en)")
		case len([]rune(t.ZH)) > NoticeWordsLimit || len([]rune(t.EN)) > NoticeWordsLimit:
			faults = append(faults, field+" is longer than 600 characters")
		}
	}
	for _, f := range []struct {
		name string
		text Text
	}{{"cause", w.Cause}, {"minor_cause", w.MinorCause}, {"offer", w.Offer}, {"delay_reason", w.DelayReason}, {"correction", w.Correction}} {
		check(f.name, f.text)
	}
	for _, f := range []struct {
		name  string
		texts []Text
	}{{"harms", w.Harms}, {"measures", w.Measures}, {"minor_measures", w.MinorMeasures}, {"advice", w.Advice}} {
		for _, t := range f.texts {
			if check(f.name, t); t == (Text{}) {
				faults = append(faults, f.name+" has an empty entry")
			}
		}
	}
	return faults
}
