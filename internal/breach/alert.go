package breach

import (
	"encoding/json"
	"time"
)

// Alert is what a source told us, unjudged. Its title and payload may name people, so they live sealed in the database;
// only the fingerprint travels.
type Alert struct {
	Source      string          // the format's name, "alertmanager"
	Fingerprint string          // equal for alerts that tell of the same thing; decides which incident it joins
	Title       string          // a line for the person who is woken
	StartsAt    time.Time       // when the source says it began; zero where it does not
	Resolved    bool            // the source says it is over; this never closes an incident
	Hints       Facts           // facts the source states itself (labels tocsin_*), never guessed
	Payload     json.RawMessage // as received
}
