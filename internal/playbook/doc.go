// Package playbook reads emergency plans written in CACAO 2.0, the open standard for security playbooks, and walks them.
//
// [Parse] checks a file strictly and turns it into a [Plan], a small form without secrets that may travel through a
// workflow's history. A [Walk] says which steps may begin, is told how they ended, and says so for every step at the end.
// The walk is pure: it reads no clock, touches no network and ranges over no map, so that a replayed workflow takes the
// same way again. Doing a step is the caller's part; [Plan.Requests] gives it the finished HTTP requests.
//
// What runs: the step types start, end, action and parallel, with on_success, on_failure, on_completion, timeout and
// delay; the command types manual and http-api. The other four step types are read and refused by name. The Chinese
// wording and the owner of a step stand in a step extension, see [ExtensionID].
package playbook
