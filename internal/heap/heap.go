// Package heap sets how a process that sends trades memory for time.
package heap

import (
	"os"
	"runtime/debug"
)

// percent lets the heap grow to four times what is in use before the collector runs. What sends keeps tens of megabytes and
// throws away gigabytes, and at the runtime's 100 collecting them takes a sixth of its time. An import gains nothing by it. See
// docs/performance.md.
const percent = 300

// Spare applies it to this process, unless GOGC says otherwise.
func Spare() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
