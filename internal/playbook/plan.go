package playbook

import "tocsin/internal/breach"

// ExtensionID marks our step extension and our playbook extension in a CACAO file. A playbook extension may hold name_zh
// and description_zh. A step extension may hold owner_role (a [breach.Role]), name_zh, description_zh and commands_zh: the
// Chinese wording of the step's manual commands, one entry for each command, empty for an http-api command.
const ExtensionID = "extension-definition--6f2c0d1e-8a4b-4c57-9d3e-2b7f5a1c9e40"

// Plan is a playbook in compact form: what a walk needs, and no secret. It travels through workflow histories, so its JSON
// names are only ever added to.
type Plan struct {
	ID          string      `json:"id"`       // CACAO's, "playbook--…"
	Modified    string      `json:"modified"` // the file's version, RFC 3339, UTC
	SHA256      string      `json:"sha256"`   // of the file, in hexadecimal
	Name        breach.Text `json:"name"`
	Description breach.Text `json:"description,omitzero"`
	Start       string      `json:"start"`
	Steps       []Step      `json:"steps"` // every step, in the order in which a reader meets them from the start
	Variables   []Variable  `json:"variables,omitempty"`
}

// StepType is CACAO's name for a kind of step.
type StepType string

// The kinds of steps that a walk knows.
const (
	StepStart    StepType = "start"
	StepEnd      StepType = "end"
	StepAction   StepType = "action"
	StepParallel StepType = "parallel"
)

// Step is one step of a plan.
type Step struct {
	ID             string      `json:"id"`
	Type           StepType    `json:"type"`
	Name           breach.Text `json:"name,omitzero"`
	Description    breach.Text `json:"description,omitzero"`
	Owner          breach.Role `json:"owner,omitempty"`    // who does or watches it; responder where the file does not say
	Commands       []Command   `json:"commands,omitempty"` // of an action; in order, the next only after the last has ended well
	OnCompletion   string      `json:"on_completion,omitempty"`
	OnSuccess      string      `json:"on_success,omitempty"`
	OnFailure      string      `json:"on_failure,omitempty"`
	Next           []string    `json:"next,omitempty"`    // first steps of a parallel step's branches
	TimeoutSeconds int64       `json:"timeout,omitempty"` // zero: none; milliseconds in the file are rounded up
	DelaySeconds   int64       `json:"delay,omitempty"`   // to wait before the step begins
}

// CommandType is CACAO's name for a kind of command.
type CommandType string

// The kinds of commands that are run.
const (
	Manual  CommandType = "manual"
	HTTPAPI CommandType = "http-api"
)

// Command is one act of a step: either a text for a person or an HTTP request.
type Command struct {
	Type CommandType `json:"type"`
	Text breach.Text `json:"text,omitzero"` // manual: what the person is to do; see [Plan.ManualText]
	HTTP *HTTPCall   `json:"http,omitempty"`
}

// HTTPCall is an http-api command with its variables still in place. [Plan.Requests] fills them.
type HTTPCall struct {
	Method    string   `json:"method"`
	Path      string   `json:"path"` // request target, "/v1/isolate?now=1"
	Headers   []Header `json:"headers,omitempty"`
	Content   string   `json:"content,omitempty"`
	Binary    []byte   `json:"binary,omitempty"` // content_b64, decoded; it holds no variables
	Addresses []string `json:"addresses"`        // base URL of each target, in order; may hold variables
}

// Header is one HTTP header line.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Variable is a playbook variable. An operator's value takes its place unless it is constant.
type Variable struct {
	Name     string `json:"name"`            // with CACAO's underscores, "__containment_gateway__"
	Value    string `json:"value,omitempty"` // default
	Given    bool   `json:"given,omitempty"` // the file gives a value, which may be empty
	Constant bool   `json:"constant,omitempty"`
	External bool   `json:"external,omitempty"`
	Secret   bool   `json:"secret,omitempty"` // used as a credential; never shown to people
}

// Step returns a step by its id.
func (p *Plan) Step(id string) (Step, bool) {
	for _, s := range p.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}

func (p *Plan) variable(name string) (Variable, bool) {
	for _, v := range p.Variables {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{}, false
}
