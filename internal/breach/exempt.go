package breach

import (
	"errors"
	"strings"
)

// ExemptReason is why the law frees us from telling one person. There are no others: that a notice is unwelcome is no reason.
type ExemptReason string

// The lawful reasons.
const (
	ExemptDeceased    ExemptReason = "deceased"        // the person is dead; who is told instead is said. 45 CFR 164.404(d)(1)(ii)
	ExemptLawEnforced ExemptReason = "law_enforcement" // law enforcement says that telling would harm its work, in writing. 45 CFR 164.412
	ExemptHarmAvoided ExemptReason = "harm_avoided"    // measures effectively avoided harm and the authority does not object. PIPL art. 57(2), GDPR art. 34(3)(b)
	ExemptCourtOrder  ExemptReason = "court_order"     // a court forbade it
)

// ExemptReasons lists the lawful reasons.
func ExemptReasons() []ExemptReason {
	return []ExemptReason{ExemptDeceased, ExemptLawEnforced, ExemptHarmAvoided, ExemptCourtOrder}
}

// Check reports what an exemption for this reason lacks: every one names its article, all but a death the paper that it stands
// on, and a death who is told instead, or why nobody.
func (r ExemptReason) Check(article, paper, nextOfKin string) error {
	known := false
	for _, x := range ExemptReasons() {
		known = known || x == r
	}
	switch {
	case !known:
		return errors.New("the reason must be deceased, law_enforcement, harm_avoided or court_order: nothing else frees us from telling somebody")
	case strings.TrimSpace(article) == "":
		return errors.New("an exemption names its article, such as PIPL 57(2)")
	case r != ExemptDeceased && strings.TrimSpace(paper) == "":
		return errors.New("this exemption stands on a paper: name the evidence id or the file number of the authority's or court's paper")
	case r == ExemptDeceased && strings.TrimSpace(nextOfKin) == "":
		return errors.New("say who is told in place of the deceased, or why nobody is: next of kin are told where their address is known")
	}
	return nil
}
