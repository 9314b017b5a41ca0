package breach

// ReturnKind is what came back about a delivery after the other side had taken it over.
type ReturnKind string

// The kinds of returns. Failed alone changes where a delivery stands; the others are kept as facts.
const (
	ReturnFailed    ReturnKind = "failed"     // given up: it did not reach the contact. RFC 3464, 2.3.3
	ReturnDelayed   ReturnKind = "delayed"    // the relay is still trying
	ReturnDelivered ReturnKind = "delivered"  // put into the mailbox
	ReturnRelayed   ReturnKind = "relayed"    // handed to a system that will not say more
	ReturnExpanded  ReturnKind = "expanded"   // delivered to a list or an alias
	ReturnComplaint ReturnKind = "complaint"  // marked as unwanted by its reader: it was delivered. RFC 5965
	ReturnAutoReply ReturnKind = "auto_reply" // a machine answered for the reader. RFC 3834
	ReturnUnclear   ReturnKind = "unclear"    // something came back, and nothing tells what it says
)

// BounceClass says why a delivery failed, and so what comes next.
type BounceClass string

// The classes of failures. RFC 3463 names the codes.
const (
	BounceHard    BounceClass = "hard"         // there is no such mailbox: the next rung
	BounceFull    BounceClass = "mailbox_full" // 5.2.2: once more later, then the next rung
	BouncePolicy  BounceClass = "policy"       // 5.7: the domain refuses us, not the person; the domain is held
	BounceExpired BounceClass = "expired"      // 4.x.x: the relay tried until its time was over: the next rung
	BounceOther   BounceClass = "other"        // given up for another reason: the next rung
)
