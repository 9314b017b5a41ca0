// Package regulation is law as data. It loads packs (YAML with conditions in CEL), checks them as a compiler would, and
// answers for one set of facts: how grave is it on each scale, who must be told what by when, under which article, and
// what is still open. It knows no incident, no database and no engine, and reads no clock.
//
// Unknown facts are the normal case, so every condition has three values. A condition that cannot be decided yet names the
// facts that would decide it; a duty hanging on them is possible, neither owed nor not owed. Scales pass their openness on:
// a level that unknown facts may still bring keeps the duties of that level possible.
//
// What the law says is in packs/; when our own product escalates where the law gives no number is in policy.yaml, and is
// never mixed with it. docs/law.md explains the format and how each pack reads its law.
package regulation
