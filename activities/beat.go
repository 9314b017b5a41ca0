package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
)

// heartbeat is how often an activity says that it lives, also while a slow server keeps it waiting.
const heartbeat = 3 * time.Second

// beat sends heartbeats with what progress tells until the returned function is called. It is for activities that wait for
// somebody else's machine: without it the engine would take them for dead and begin them a second time.
func beat(ctx context.Context, progress func() any) (stop func()) {
	beating, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			activity.RecordHeartbeat(ctx, progress())
			select {
			case <-ticker.C:
			case <-beating.Done():
				return
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// alive is the progress of an activity that has none to tell.
func alive() any { return "working" }
