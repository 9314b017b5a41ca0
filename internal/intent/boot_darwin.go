package intent

import (
	"sync"
	"syscall"
)

// boot is the kernel's name for the time since this machine started.
var boot = sync.OnceValue(func() string {
	id, err := syscall.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
})
