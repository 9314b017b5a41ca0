// Package heap sets how the processes of the house trade memory for time.
package heap

import (
	"os"
	"runtime/debug"
)

// percent lets the heap grow to four times what is in use before the collector runs. What sends and what imports keeps tens of
// megabytes and throws away gigabytes, and at the runtime's 100 collecting them takes a sixth of their time. See docs/performance.md.
const percent = 300

// Spare applies it to this process, unless GOGC says otherwise.
func Spare() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
