package playbook

import "encoding/json"

// The file's form, as far as it is used. The schema has checked it before it is decoded.
type cacaoPlaybook struct {
	ID          string                     `json:"id"`
	Name        string                     `json:"name"`
	Description string                     `json:"description"`
	Modified    string                     `json:"modified"`
	Revoked     bool                       `json:"revoked"`
	Variables   map[string]cacaoVariable   `json:"playbook_variables"`
	Start       string                     `json:"workflow_start"`
	Exception   string                     `json:"workflow_exception"`
	Workflow    map[string]cacaoStep       `json:"workflow"`
	AuthInfo    map[string]any             `json:"authentication_info_definitions"`
	Agents      map[string]cacaoParty      `json:"agent_definitions"`
	Targets     map[string]cacaoParty      `json:"target_definitions"`
	Extensions  map[string]json.RawMessage `json:"playbook_extensions"`
	Defined     map[string]any             `json:"extension_definitions"`
}

type cacaoVariable struct {
	Type     string  `json:"type"`
	Value    *string `json:"value"`
	Constant bool    `json:"constant"`
	External bool    `json:"external"`
}

type cacaoStep struct {
	Type         string                     `json:"type"`
	Name         string                     `json:"name"`
	Description  string                     `json:"description"`
	Delay        int64                      `json:"delay"`
	Timeout      int64                      `json:"timeout"`
	Variables    map[string]cacaoVariable   `json:"step_variables"`
	OnCompletion string                     `json:"on_completion"`
	OnSuccess    string                     `json:"on_success"`
	OnFailure    string                     `json:"on_failure"`
	NextSteps    []string                   `json:"next_steps"`
	Commands     []cacaoCommand             `json:"commands"`
	Agent        string                     `json:"agent"`
	Targets      []string                   `json:"targets"`
	OutArgs      []string                   `json:"out_args"`
	Extensions   map[string]json.RawMessage `json:"step_extensions"`
}

type cacaoCommand struct {
	Type       string              `json:"type"`
	Command    string              `json:"command"`
	Headers    map[string][]string `json:"headers"`
	Content    string              `json:"content"`
	ContentB64 string              `json:"content_b64"`
}

type cacaoParty struct {
	Type     string           `json:"type"`
	Name     string           `json:"name"`
	Address  map[string][]any `json:"address"`
	AuthInfo string           `json:"authentication_info"`
}

// cacaoExtension is our own extension, see [ExtensionID]; what others put under their own ids is not looked at.
type cacaoExtension struct {
	OwnerRole     string   `json:"owner_role"`
	NameZH        string   `json:"name_zh"`
	DescriptionZH string   `json:"description_zh"`
	CommandsZH    []string `json:"commands_zh"`
}
