package playbook

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"tocsin/internal/breach"
)

// maxPlan bounds a plan's compact form, because it travels through workflow histories.
const maxPlan = 56 << 10

// Parse reads a CACAO 2.0 playbook. Every mistake is reported at once, each a [*Fault] with its place and what mends it,
// joined by [errors.Join]; a file that is not JSON gives one error.
func Parse(b []byte) (*Plan, error) {
	if err := checkShape(b); err != nil {
		return nil, err
	}
	var file cacaoPlaybook
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, errors.New("the playbook has a property of an unexpected type")
	}
	p := &parser{file: &file}
	p.checkFile()
	p.checkSteps()
	if len(p.faults) == 0 { // the shape of the graph is only worth judging when its parts are sound
		p.checkGraph()
	}
	if len(p.faults) > 0 {
		return nil, p.faults.join()
	}
	plan := p.plan()
	sum := sha256.Sum256(b)
	plan.SHA256 = hex.EncodeToString(sum[:])
	if err := checkSecrets(plan); err != nil {
		return nil, err
	}
	if size, err := json.Marshal(plan); err != nil || len(size) > maxPlan {
		return nil, fmt.Errorf("the plan is too large for a workflow's history (%d bytes, at most %d): shorten the instructions", len(size), maxPlan)
	}
	return plan, nil
}

type parser struct {
	file   *cacaoPlaybook
	order  []string // step ids, set by checkGraph
	faults faults
}

func (p *parser) fault(says string, path ...string) { p.faults.add(pointer(path...), says) }

func (p *parser) checkFile() {
	f := p.file
	if f.Revoked {
		p.fault("the playbook's author has revoked it; use a newer version", "revoked")
	}
	if f.Exception != "" {
		p.fault("workflow_exception is not run; give the steps an on_failure instead", "workflow_exception")
	}
	if len(f.AuthInfo) > 0 {
		p.fault("credentials do not belong into a playbook; send them in a header through an external variable, such as \"Authorization\": [\"Bearer __gateway_token__:value\"]", "authentication_info_definitions")
	}
	if s, ok := f.Workflow[f.Start]; !ok || s.Type != string(StepStart) {
		p.fault("must be the id of the start step in /workflow", "workflow_start")
	}
	if _, err := p.extension(f.Extensions); err != nil {
		p.fault(err.Error(), "playbook_extensions", ExtensionID)
	}
	if _, ok := f.Extensions[ExtensionID]; ok && f.Defined[ExtensionID] == nil {
		p.fault("the extension in use is not defined; add "+ExtensionID+" here", "extension_definitions")
	}
}

// extension decodes our own extension strictly. Without one it returns the zero value.
func (p *parser) extension(all map[string]json.RawMessage) (cacaoExtension, error) {
	var x cacaoExtension
	raw, ok := all[ExtensionID]
	if !ok {
		return x, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if dec.Decode(&x) != nil {
		return x, errors.New("may hold owner_role, name_zh, description_zh (texts) and commands_zh (a list of texts), and nothing else")
	}
	if x.OwnerRole != "" && !slices.Contains(breach.Roles(), breach.Role(x.OwnerRole)) {
		return x, fmt.Errorf("owner_role must be one of %v", breach.Roles())
	}
	return x, nil
}

var laterTypes = []string{"playbook-action", "if-condition", "while-condition", "switch-condition"}

func (p *parser) checkSteps() {
	starts := 0
	for _, id := range slices.Sorted(maps.Keys(p.file.Workflow)) {
		s := p.file.Workflow[id]
		at := []string{"workflow", id}
		if slices.Contains(laterTypes, s.Type) {
			p.fault("the step type "+s.Type+" is part of CACAO 2.0 but is not walked by this version; use action and parallel steps, and let a person decide in a manual action", append(at, "type")...)
			continue
		}
		if !strings.HasPrefix(id, s.Type+"--") {
			p.fault("the id of a step of type "+s.Type+" must begin with "+s.Type+"--", at...)
		}
		if s.Type == string(StepStart) {
			if starts++; id != p.file.Start {
				p.fault("a playbook has one start step, the one that /workflow_start names", at...)
			}
		}
		if len(s.Variables) > 0 {
			p.fault("step variables are not read; move them to /playbook_variables", append(at, "step_variables")...)
		}
		if len(s.OutArgs) > 0 {
			p.fault("no command returns variables here; remove out_args", append(at, "out_args")...)
		}
		p.checkPointers(s, at)
		x, err := p.extension(s.Extensions)
		if err != nil {
			p.fault(err.Error(), append(at, "step_extensions", ExtensionID)...)
		}
		if len(x.CommandsZH) > 0 && len(x.CommandsZH) != len(s.Commands) {
			p.fault("commands_zh must have one entry for each command of the step", append(at, "step_extensions", ExtensionID, "commands_zh")...)
		}
		if s.Type == string(StepAction) {
			p.checkAction(s, at)
		}
	}
}

func (p *parser) checkPointers(s cacaoStep, at []string) {
	here := func(name, id string) {
		if id == "" {
			return
		}
		if _, ok := p.file.Workflow[id]; !ok {
			p.fault("there is no step with this id in /workflow", append(at, strings.Split(name, "/")...)...)
		} else if id == p.file.Start {
			p.fault("leads back to the start step", append(at, strings.Split(name, "/")...)...)
		}
	}
	here("on_completion", s.OnCompletion)
	here("on_success", s.OnSuccess)
	here("on_failure", s.OnFailure)
	for i, id := range s.NextSteps {
		here("next_steps/"+strconv.Itoa(i), id)
	}
	if s.Type != string(StepAction) && s.Type != string(StepParallel) {
		return
	}
	switch {
	case s.OnCompletion != "" && (s.OnSuccess != "" || s.OnFailure != ""):
		p.fault("has on_completion and also on_success or on_failure; CACAO allows the one or the others", at...)
	case s.OnCompletion == "" && s.OnSuccess == "":
		p.fault("leads nowhere: give it on_completion, or on_success and on_failure", at...)
	}
}

func (p *parser) checkAction(s cacaoStep, at []string) {
	agent, ok := p.file.Agents[s.Agent]
	if !ok {
		p.fault("there is no agent with this id in /agent_definitions", append(at, "agent")...)
	}
	for i, id := range s.Targets {
		t, ok := p.file.Targets[id]
		switch {
		case !ok:
			p.fault("there is no target with this id in /target_definitions", append(at, "targets", strconv.Itoa(i))...)
		case t.AuthInfo != "":
			p.fault("authentication_info is not read; send the credential in a header through an external variable", "target_definitions", id, "authentication_info")
		}
	}
	for i, c := range s.Commands {
		at := append(slices.Clone(at), "commands", strconv.Itoa(i))
		switch CommandType(c.Type) {
		case Manual:
			p.checkVariables(c.Command, append(at, "command")...)
		case HTTPAPI:
			p.checkHTTP(s, agent, c, at)
		default:
			p.fault("commands of this type are not run here; use manual or http-api", append(at, "type")...)
		}
	}
}

func (p *parser) checkHTTP(s cacaoStep, agent cacaoParty, c cacaoCommand, at []string) {
	if _, _, err := startLine(c.Command); err != nil {
		p.fault(err.Error(), append(at, "command")...)
	}
	p.checkVariables(c.Command, append(at, "command")...)
	if c.Content != "" && c.ContentB64 != "" {
		p.fault("has content and content_b64; keep one", at...)
	}
	p.checkVariables(c.Content, append(at, "content")...)
	if _, err := base64.StdEncoding.DecodeString(c.ContentB64); err != nil {
		p.fault("is not base64", append(at, "content_b64")...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		at := append(slices.Clone(at), "headers", name)
		if !httpguts.ValidHeaderFieldName(name) {
			p.fault("is not the name of an HTTP header", at...)
		}
		for _, v := range c.Headers[name] {
			if !httpguts.ValidHeaderFieldValue(v) {
				p.fault("a header's value must be one line without control characters", at...)
			}
			if credential(name) && len(references(v)) == 0 {
				p.fault("a credential must not stand in the playbook; write a variable, such as \"Bearer __gateway_token__:value\"", at...)
			}
			p.checkVariables(v, at...)
		}
	}
	if len(p.addresses(s, agent)) == 0 {
		p.fault("an http-api command needs a target (or an agent) of type http-api with address.url", at...)
	}
	for _, a := range p.addresses(s, agent) {
		p.checkVariables(a, append(at, "(address of its target)")...)
	}
}

// addresses returns the base URLs that a step's HTTP commands go to: its targets', or else its agent's.
func (p *parser) addresses(s cacaoStep, agent cacaoParty) []string {
	var urls []string
	add := func(t cacaoParty) {
		if t.Type != string(HTTPAPI) || len(t.Address["url"]) == 0 {
			return
		}
		if u, ok := t.Address["url"][0].(string); ok { // several are ways to the same target: the first is used
			urls = append(urls, u)
		}
	}
	for _, id := range s.Targets {
		add(p.file.Targets[id])
	}
	if len(urls) == 0 {
		add(agent)
	}
	return urls
}

func (p *parser) checkVariables(text string, at ...string) {
	for _, name := range references(text) {
		if _, ok := p.file.Variables[name]; !ok {
			p.fault("uses the variable "+name+", which /playbook_variables does not declare", at...)
		}
	}
}

// startLine reads "POST /path HTTP/1.1".
func startLine(s string) (method, path string, err error) {
	parts := strings.Split(s, " ")
	if len(parts) != 3 || !strings.HasPrefix(parts[1], "/") || (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/2") {
		return "", "", errors.New("must be an HTTP start line, such as \"POST /v1/isolate HTTP/1.1\"")
	}
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	if !slices.Contains(methods, parts[0]) {
		return "", "", fmt.Errorf("the HTTP method must be one of %s", strings.Join(methods, ", "))
	}
	return parts[0], parts[1], nil
}

// credential reports whether a header carries one.
func credential(header string) bool {
	switch textproto.CanonicalMIMEHeaderKey(header) {
	case "Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "Api-Key", "Private-Token":
		return true
	}
	return false
}

// plan builds the compact form of a file that has no faults.
func (p *parser) plan() *Plan {
	x, _ := p.extension(p.file.Extensions)
	plan := &Plan{
		ID: p.file.ID, Modified: p.file.Modified, Start: p.file.Start,
		Name:        both(x.NameZH, p.file.Name),
		Description: both(x.DescriptionZH, p.file.Description),
	}
	for _, id := range p.order {
		plan.Steps = append(plan.Steps, p.step(id))
	}
	for _, name := range slices.Sorted(maps.Keys(p.file.Variables)) {
		v := p.file.Variables[name]
		out := Variable{Name: name, Constant: v.Constant, External: v.External}
		if v.Value != nil {
			out.Value, out.Given = *v.Value, true
		}
		plan.Variables = append(plan.Variables, out)
	}
	markSecrets(plan)
	return plan
}

func (p *parser) step(id string) Step {
	s := p.file.Workflow[id]
	x, _ := p.extension(s.Extensions)
	out := Step{
		ID: id, Type: StepType(s.Type),
		Name:         both(x.NameZH, s.Name),
		Description:  both(x.DescriptionZH, s.Description),
		OnCompletion: s.OnCompletion, OnSuccess: s.OnSuccess, OnFailure: s.OnFailure, Next: s.NextSteps,
		TimeoutSeconds: (s.Timeout + 999) / 1000,
		DelaySeconds:   (s.Delay + 999) / 1000,
	}
	if out.Type != StepAction {
		return out
	}
	out.Owner = breach.RoleResponder
	if x.OwnerRole != "" {
		out.Owner = breach.Role(x.OwnerRole)
	}
	for i, c := range s.Commands {
		zh := ""
		if len(x.CommandsZH) > 0 {
			zh = x.CommandsZH[i]
		}
		out.Commands = append(out.Commands, p.command(s, c, zh))
	}
	return out
}

func (p *parser) command(s cacaoStep, c cacaoCommand, zh string) Command {
	if CommandType(c.Type) == Manual {
		return Command{Type: Manual, Text: both(zh, c.Command)}
	}
	method, path, _ := startLine(c.Command)
	call := &HTTPCall{Method: method, Path: path, Content: c.Content, Addresses: p.addresses(s, p.file.Agents[s.Agent])}
	if c.ContentB64 != "" {
		call.Binary, _ = base64.StdEncoding.DecodeString(c.ContentB64)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		for _, v := range c.Headers[name] {
			call.Headers = append(call.Headers, Header{Name: textproto.CanonicalMIMEHeaderKey(name), Value: v})
		}
	}
	return Command{Type: HTTPAPI, HTTP: call}
}

// both makes a text of two wordings; a missing Chinese one is stood in for by the English, never by nothing.
func both(zh, en string) breach.Text {
	if zh == "" {
		zh = en
	}
	return breach.Text{ZH: zh, EN: en}
}
