package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/devstack"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/regulation"
	"tocsin/internal/seal"
	"tocsin/internal/store"
	"tocsin/templates"
	"tocsin/workflows"
)

// local is Tocsin on one machine with nothing set: servers of its own, an inbox for the world, an invented organisation, and
// a token for each role.
type local struct {
	cfg    config.Config
	stack  *devstack.Stack
	tokens map[breach.Role]string

	invented bool // the authorities are ours, not the operator's

	metrics string // where to answer /metrics; empty for nowhere
}

// localPeople are the invented holders of the local tokens, one a role.
var localPeople = []struct {
	role   breach.Role
	person breach.Person
}{
	{breach.RoleResponder, "zhao.min"},
	{breach.RoleLead, "li.wei"},
	{breach.RoleApprover, "wang.fang"},
	{breach.RoleManager, "chen.jie"},
	{breach.RoleAuditor, "sun.yu"},
	{breach.RoleSource, "alertmanager"},
}

// startLocal brings up what the settings do not name, and fills in the settings that a laptop needs.
func startLocal(ctx context.Context, cfg config.Config, throwaway bool, say func(string)) (*local, error) {
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	if err := os.MkdirAll(dir, 0o711); err != nil { // PostgreSQL, under a user of its own, must get through; what is secret has its own mode
		return nil, fmt.Errorf("data_dir: %s cannot be made", cfg.DataDir)
	}
	o := devstack.Options{
		Dir: dir, DatabaseURL: cfg.Database.URL, PostgresPort: cfg.Dev.PostgresPort,
		TemporalAddress: cfg.Temporal.Address, TemporalBinary: cfg.Dev.TemporalBinary, Namespace: cfg.Temporal.Namespace,
		TemporalPort: cfg.Dev.TemporalPort, TemporalUIPort: cfg.Dev.TemporalUIPort, SearchAttributes: workflows.SearchAttributes(),
		Inbox: inbox.Options{
			SMTPListen: loopback(cfg.Dev.SMTPPort), HTTPListen: loopback(cfg.Dev.InboxPort),
			Templates: localSMS(cfg.Templates),
		},
		Throwaway: throwaway, Now: time.Now, Log: say,
	}
	stack, err := devstack.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	l := &local{cfg: cfg, stack: stack, tokens: map[breach.Role]string{}}
	if err := l.furnish(ctx, dir); err != nil {
		return nil, errors.Join(err, stack.Close())
	}
	return l, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// furnish does what an operator would do once: key, schema, settings, tokens.
func (l *local) furnish(ctx context.Context, dir string) error {
	l.cfg.Database.URL, l.cfg.Database.PasswordFile = l.stack.DatabaseURL, ""
	l.cfg.Temporal.Address, l.cfg.Temporal.Namespace = l.stack.TemporalAddress, l.stack.Namespace
	if l.cfg.Seal.KeyFile == "" {
		l.cfg.Seal.KeyFile = filepath.Join(dir, "seal.key")
	}
	if _, err := os.Stat(l.cfg.Seal.KeyFile); errors.Is(err, os.ErrNotExist) {
		if err := seal.CreateMasterFile(l.cfg.Seal.KeyFile); err != nil {
			return err
		}
	}
	if err := store.Migrate(ctx, l.cfg.Database.URL); err != nil {
		return err
	}
	if err := l.introduce(); err != nil {
		return err
	}
	if err := l.plug(dir); err != nil {
		return err
	}
	return l.issueTokens(ctx, dir)
}

// introduce names an invented organisation where none is set, with everybody it may have to write to.
func (l *local) introduce() error {
	if l.cfg.Organisation.Name == "" {
		l.cfg.Organisation = config.Organisation{
			Name: "示例在线教育有限公司", NameEN: "Example Online Education Co., Ltd.", ShortName: "示例教育", ShortNameEN: "Example Education",
			Phone: "400-000-0000", Hours: "每天 7:00 至 23:00（北京时间）", HoursEN: "every day from 7:00 to 23:00, Beijing time", Email: "privacy@example.com", HomePage: "https://www.example.com",
			Number: "91000000000000000X", Address: "示例省示例市示例路 1 号", AddressEN: "1 Example Road, Example City",
			Signer: config.Signer{Name: "李示例", Title: "个人信息保护负责人", TitleEN: "Data protection lead", Phone: "010-00000000", Email: "li.wei@example.com"},
			Facts: []string{
				"org.jurisdictions=CN", "org.role=controller", "org.network_operator=true", "org.telecom_or_icp=true", "org.cii_involved=false",
				"org.central_organ=false", "org.miit_sector=false", "org.bank_or_insurer=false", "org.pbc_field=false", "org.sector_rule=false",
				"org.security_vendor=false", "org.portal=none",
			},
		}
	}
	if len(l.cfg.Authorities) == 0 {
		laws, err := regulation.Load(l.cfg.Laws...)
		if err != nil {
			return err
		}
		l.invented = true
		for _, a := range laws.Authorities() {
			l.cfg.Authorities = append(l.cfg.Authorities, config.Authority{Key: a.Key, Name: a.Name.ZH, Email: a.Key + "@authority.example", Zone: a.Zone})
		}
	}
	if len(l.cfg.Contacts) == 0 {
		for _, p := range localPeople[:4] {
			l.cfg.Contacts = append(l.cfg.Contacts, config.Contact{Role: string(p.role), Name: string(p.person), Email: string(p.person) + "@example.com", Language: "zh-CN"})
		}
	}
	return nil
}

// localSMS are the templates that the stand-in for the SMS provider has approved: those that an operator would register. They
// stand under the names of the settings that take their codes.
func localSMS(folder string) map[string]string {
	texts, err := templates.Open(folder)
	if err != nil { // whoever runs incidents stops at it
		texts = templates.Default()
	}
	out := map[string]string{}
	for _, t := range smsTemplates(texts, templates.Organisation{}) {
		out[t.Key] = t.Text
	}
	return out
}

// plug connects the channels and the emergency plan to the inbox, where the operator has not connected them elsewhere.
func (l *local) plug(dir string) error {
	in, c := l.stack.Inbox, inbox.LocalCredentials()
	if len(l.cfg.Notifiers) == 0 {
		secrets := filepath.Join(dir, "inbox")
		if err := os.MkdirAll(secrets, 0o700); err != nil {
			return fmt.Errorf("data_dir: %s cannot be made", secrets)
		}
		file := map[string]string{}
		for name, value := range map[string]string{
			"sms-id": c.SMSAccessKeyID, "sms-secret": c.SMSAccessSecret, "push-key": c.PushAppKey, "push-secret": c.PushMasterSecret,
		} {
			file[name] = filepath.Join(secrets, name)
			if err := os.WriteFile(file[name], []byte(value), 0o600); err != nil {
				return fmt.Errorf("data_dir: %s cannot be written", file[name])
			}
		}
		host, port, err := net.SplitHostPort(in.SMTPAddr())
		if err != nil {
			return err
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return err
		}
		l.cfg.Notifiers = []config.Notifier{
			{Channel: "email", Provider: "smtp", Settings: map[string]any{
				"host": host, "port": number, "tls": "none", "from": l.cfg.Organisation.ShortName + " <notice@example.com>", "reply_to": "privacy@example.com",
				"message_id_host": "example.com", "hello": "tocsin.example.com",
			}},
			{Channel: "sms", Provider: "aliyun", Settings: map[string]any{
				"endpoint": in.SMSEndpoint(), "access_key_id_file": file["sms-id"], "access_key_secret_file": file["sms-secret"],
				"sign_name": l.cfg.Organisation.ShortName, "template_code": "template_code", "template_code_en": "template_code_en",
				"template_code_minor": "template_code_minor", "template_code_minor_en": "template_code_minor_en",
				"template_code_guardian": "template_code_guardian", "template_code_guardian_en": "template_code_guardian_en",
			}},
			{Channel: "push", Provider: "getui", Settings: map[string]any{
				"endpoint": in.PushEndpoint(), "app_id": c.PushAppID, "app_key_file": file["push-key"], "master_secret_file": file["push-secret"],
			}},
		}
	}
	if l.invented {
		if err := l.plugAuthorities(dir); err != nil {
			return err
		}
	}
	if len(l.cfg.Plan.AllowedTargets) == 0 {
		gateway := in.TargetEndpoint("containment")
		l.cfg.Plan.AllowedTargets = []string{gateway + "/"}
		l.cfg.Plan.Variables = append(l.cfg.Plan.Variables,
			config.Variable{Name: "__containment_gateway__", Value: gateway}, config.Variable{Name: "__containment_token__", Value: "local"},
			config.Variable{Name: "__service__", Value: "student-records"}, config.Variable{Name: "__hotline__", Value: l.cfg.Organisation.Phone})
	}
	return nil
}

// plugAuthorities lets some invented authorities take reports by other ways than email: a portal, an SFTP server, a folder.
func (l *local) plugAuthorities(dir string) error {
	drop, err := filepath.Abs(filepath.Join(dir, "filings"))
	if err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	if err := os.MkdirAll(drop, 0o700); err != nil {
		return fmt.Errorf("data_dir: %s cannot be made", drop)
	}
	key := filepath.Join(dir, "inbox", "sftp-key")
	if err := makeSSHKey(key); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(l.stack.Inbox.SFTPAddr())
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	for i := range l.cfg.Authorities {
		a := &l.cfg.Authorities[i]
		switch a.Key {
		case "cn-pi-department":
			a.Way, a.Settings = config.WayHTTP, map[string]any{"url": l.stack.Inbox.PortalEndpoint(), "receipt_field": "receipt.number"}
		case "cn-police":
			a.Way, a.Settings = config.WaySFTP, map[string]any{
				"host": host, "port": number, "username": "tocsin", "key_file": key, "host_key": l.stack.Inbox.SFTPHostKey(), "folder": "/incoming",
			}
		case "cn-telecom-authority":
			a.Way, a.Settings = config.WayFolder, map[string]any{"path": drop}
		}
	}
	return nil
}

// makeSSHKey makes a key by which the inbox's SFTP server is logged in to, anew at each start.
func makeSSHKey(file string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make an SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, "tocsin dev")
	if err != nil {
		return fmt.Errorf("make an SSH key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("data_dir: %s cannot be made", filepath.Dir(file))
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return fmt.Errorf("data_dir: %s cannot be written", file)
	}
	return nil
}

// issueTokens gives each invented person a token in a file of their own, and the command line the responder's. Tokens of an
// earlier start are used again as long as they hold.
func (l *local) issueTokens(ctx context.Context, dir string) error {
	s, err := openStore(ctx, l.cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	folder := filepath.Join(dir, "tokens")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("data_dir: %s cannot be made", folder)
	}
	for _, p := range localPeople {
		file := filepath.Join(folder, string(p.role))
		if held, err := os.ReadFile(file); err == nil {
			token := strings.TrimSpace(string(held))
			if _, err := s.Authenticate(ctx, token); err == nil {
				l.tokens[p.role] = token
				continue
			}
		}
		name := fmt.Sprintf("local-%s-%d", p.role, time.Now().UnixNano())
		token, err := s.AddToken(ctx, store.Holder{Token: name, Person: p.person, Roles: []breach.Role{p.role}}, 0, breach.Tocsin)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			return fmt.Errorf("data_dir: %s cannot be written", file)
		}
		l.tokens[p.role] = token
	}
	return os.WriteFile(filepath.Join(dir, "token"), []byte(l.tokens[breach.RoleResponder]+"\n"), 0o600)
}

func (l *local) close() error { return l.stack.Close() }
