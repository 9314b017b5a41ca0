package sms_test

import (
	"fmt"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
	"tocsin/notifiers/sms"
)

func config(t *testing.T, in *inbox.Inbox) sms.AliyunConfig {
	cfg := sms.DefaultAliyun()
	cfg.Endpoint = in.SMSEndpoint()
	cfg.AccessKeyIDFile = notifytest.File(t, inbox.LocalCredentials().SMSAccessKeyID)
	cfg.AccessSecretFile = notifytest.File(t, inbox.LocalCredentials().SMSAccessSecret)
	cfg.SignName, cfg.TemplateCode, cfg.MinorCode, cfg.GuardianCode = "某某公司", "SMS_100000001", "SMS_MINOR", "SMS_GUARDIAN"
	return cfg
}

func newAliyun(t *testing.T, cfg sms.AliyunConfig) *sms.Aliyun {
	t.Helper()
	a, err := sms.NewAliyun(cfg, notifytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func address(n int) string { return fmt.Sprintf("+86139%08d", n) }

func TestAliyunSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Case{
		New:     func(t *testing.T, in *inbox.Inbox) notifiers.Notifier { return newAliyun(t, config(t, in)) },
		Address: address,
		Unfit:   []string{"", "13900000001", "+8613900000", "+861390000000a", "+86139 0000 0001", "+8601088886666", "+85291234567", "+86\r\n13900000001"},
		Cut:     breach.Unknown,
		Needles: func(m notifiers.Message) []string { return []string{m.Variables["name"], m.Variables["number"]} },
	})
}
