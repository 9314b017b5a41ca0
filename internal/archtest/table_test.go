package archtest_test

import "tocsin/internal/archtest"

// table is the house. Add a room here when you add one to the tree; add an allowance, with its reason, before you widen a row.
var table = archtest.Table{
	Module: "tocsin",
	Rooms: []archtest.Room{
		{Folder: "cmd", May: []string{"."}},
		{Folder: "workflows", May: []string{"internal/breach", "activities"}},
		{Folder: "activities", May: []string{
			"notifiers", "templates", "internal/breach", "internal/regulation", "internal/playbook", "internal/intake", "internal/audience",
			"internal/document", "internal/store", "internal/seal", "internal/audit", "internal/intent",
		}},
		{Folder: "notifiers", May: []string{"internal/breach"}},
		{Folder: "templates", May: []string{"internal/breach"}},
		{Folder: "internal/breach"},
		{Folder: "internal/regulation", May: []string{"internal/breach"}},
		{Folder: "internal/playbook", May: []string{"internal/breach"}},
		{Folder: "internal/intake", May: []string{"internal/breach"}},
		{Folder: "internal/audience", May: []string{"internal/breach"}},
		{Folder: "internal/bounce", May: []string{"internal/breach"}},
		{Folder: "internal/document", May: []string{"internal/breach"}},
		{Folder: "internal/intent"},
		{Folder: "internal/heap"},
		{Folder: "internal/store", May: []string{"internal/breach"}},
		{Folder: "internal/seal", May: []string{"internal/breach"}},
		{Folder: "internal/load", May: []string{"internal/breach", "internal/audience", "internal/store"}},
		{Folder: "internal/audit", May: []string{"internal/breach"}},
		{Folder: "internal/api", May: []string{
			"internal/breach", "internal/intake", "internal/store", "internal/audit", "internal/seal", "internal/audience", "internal/load", "internal/regulation",
			"workflows", "activities",
		}},
		{Folder: "internal/dispatch", May: []string{"internal/breach", "internal/store", "workflows", "activities"}},
		{Folder: "internal/config"},
		{Folder: "internal/devstack"},
		{Folder: "internal/archtest"},
		{Folder: "internal/bench", May: []string{"."}}, // measures the house from outside, as cmd wires it
	},
	Allowances: []archtest.Allowance{
		{"workflows", "internal/playbook", "the walker of plans is pure and replays: it decides the next step inside the workflow"},
		{"internal/store", "internal/audit", "the journal's entry is written in the transaction of the change it tells of"},
		{"internal/store", "internal/seal", "rows hold sealed values and blind indexes, never plain ones"},
		{"internal/store", "internal/intent", "what a holder's log of intents says is written in the transaction that takes its shard over"},
		{"notifiers/notifytest", "internal/devstack/inbox", "the suite that every notifier must pass sends into the inbox's real sockets"},
	},
	Owners: []archtest.Owner{
		{"github.com/spf13/viper", []string{"internal/config"}, "settings are read once, strictly, into one struct"},
		{"github.com/emersion/go-message", []string{"internal/bounce"}, "hostile mail is taken apart in one place, within limits"},
		{"github.com/wneessen/go-mail", []string{"notifiers/email"}, "its errors quote recipients and relays, and only that folder knows how to take them apart"},
		{"github.com/tink-crypto/tink-go", []string{"internal/seal"}, "there is one place where personal data is encrypted"},
		{"github.com/aws/aws-sdk-go-v2", []string{"cmd/tocsin"}, "files of people are fetched on the operator's side, with the operator's credentials; only its signer is used"},
		{"github.com/pkg/sftp", []string{"notifiers/drop", "internal/devstack"}, "reports are dropped in one place, and the local stand-in takes them"},
		{"cel.dev/cel-go", []string{"internal/regulation"}, "law is evaluated in one place, by typed packs"},
		{"github.com/fergusstrange/embedded-postgres", []string{"internal/devstack"}, "production brings its own PostgreSQL"},
		{"go.temporal.io/sdk/testsuite", []string{"internal/devstack"}, "production brings its own Temporal"},
	},
}
