package intent

import (
	"os"
	"strings"
	"sync"
)

// boot is the kernel's name for the time since this machine started: a UUID that every start makes anew (random(4)).
var boot = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
})
