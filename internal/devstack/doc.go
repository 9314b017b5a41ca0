// Package devstack runs everything that Tocsin needs on one machine, with no accounts: PostgreSQL, the Temporal dev server
// with its UI, and the inbox that stands in for mail, SMS and push providers. It serves tocsin dev, the demo and the tests;
// production brings its own servers.
//
// Servers are looked for on the machine first, then fetched, then built. They listen on loopback only, and none outlives
// the process that started it: Close ends them in reverse order, and a leash ends them where Close was never reached.
package devstack
