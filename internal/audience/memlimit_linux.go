package audience

import "syscall"

// limitMemory makes the kernel refuse this process more private memory than that, and more than an hour of a processor.
func limitMemory(bytes int64) error {
	cpu := syscall.Rlimit{Cur: 60 * 60, Max: 60 * 60}
	if err := syscall.Setrlimit(syscall.RLIMIT_CPU, &cpu); err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)})
}
