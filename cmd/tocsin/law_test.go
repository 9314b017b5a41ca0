package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The commands that need no server, each as a script. The files they compare with are read as prose when they change;
// UPDATE_SCRIPTS=1 rewrites them.
func TestLawScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/law",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("LC_ALL", "en_GB.UTF-8")
			return nil
		},
	})
}
