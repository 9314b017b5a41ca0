package main

import (
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/config"
)

// quiet reads checked quiet hours.
func quiet(q config.QuietHours) activities.Quiet {
	zone, err := time.LoadLocation(q.Zone)
	if err != nil { // checked with the settings
		zone = time.UTC
	}
	at := func(text string) time.Duration {
		t, _ := time.Parse("15:04", text) // checked with the settings
		return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return activities.Quiet{Channel: breach.Channel(q.Channel), From: at(q.From), To: at(q.To), Zone: zone, OverrideBefore: q.OverrideBefore}
}
