package api

import (
	"log/slog"
	"net/http"
	"time"
)

// Server returns an HTTP server for the handler that slow and greedy callers cannot hold up: headers within 5 seconds, a
// request within 30, an answer within 60. Handlers that stream move these deadlines themselves, against a least rate.
func Server(address string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              address,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(quiet{log.Handler()}, slog.LevelWarn),
	}
}
