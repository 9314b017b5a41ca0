// Package archtest holds the table of who may import whom, and the check that the tree keeps to it. The house is a star:
// siblings do not know each other, so that a law or a channel can be read, tested and deleted alone. Where one does need
// another, an [Allowance] says so with the reason.
//
// The files are parsed. Asking go list instead would let the test cache answer: it does not see what a subprocess reads, and
// a forbidden import would stay "ok (cached)".
package archtest
