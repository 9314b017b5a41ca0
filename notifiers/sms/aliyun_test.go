package sms_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
	"tocsin/notifiers/sms"
)

func prepare(t *testing.T, a *sms.Aliyun, m notifiers.Message) notifiers.Wire {
	t.Helper()
	w, err := a.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The verdict over the provider's documented codes.
func TestOutcomeByCode(t *testing.T) {
	for code, c := range map[string]struct {
		want    breach.Outcome
		against notifiers.Against
	}{
		"isv.MOBILE_NUMBER_ILLEGAL":       {breach.Permanent, ""},
		"isv.CUSTOMER_REFUSED":            {breach.Permanent, ""},
		"isv.SMS_CONTENT_ILLEGAL":         {breach.Permanent, ""},
		"isv.BUSINESS_LIMIT_CONTROL":      {breach.Temporary, ""},
		"isv.TEMPLATE_MISSING_PARAMETERS": {breach.Temporary, notifiers.Us}, // every message has the same variables
		"isv.DAY_LIMIT_CONTROL":           {breach.Temporary, notifiers.Us},
		"isv.AMOUNT_NOT_ENOUGH":           {breach.Temporary, notifiers.Us},
		"isv.OUT_OF_SERVICE":              {breach.Temporary, notifiers.Us},
		"isv.SMS_SIGNATURE_ILLEGAL":       {breach.Temporary, notifiers.Us},
		"isv.SMS_TEMPLATE_ILLEGAL":        {breach.Temporary, notifiers.Us},
		"isp.RAM_PERMISSION_DENY":         {breach.Temporary, notifiers.Us},
		"Throttling.User":                 {breach.Temporary, ""},
		"ServiceUnavailable":              {breach.Temporary, ""},
		"isp.SYSTEM_ERROR":                {breach.Unknown, ""},             // it may have gone on inside
		"400":                             {breach.Temporary, notifiers.Us}, // of a gateway before the provider
		"403":                             {breach.Temporary, notifiers.Us},
		"429":                             {breach.Temporary, ""},
		"503":                             {breach.Temporary, ""},
		"500":                             {breach.Unknown, ""},
		"504":                             {breach.Unknown, ""},
	} {
		t.Run(code, func(t *testing.T) {
			in := notifytest.StartInbox(t, inbox.Options{})
			a := newAliyun(t, config(t, in))
			if err := in.SetFaults(inbox.Fault{To: "*", Do: inbox.Refuse, Code: code}); err != nil {
				t.Fatal(err)
			}
			_, err := a.Send(t.Context(), prepare(t, a, notifytest.Message(1, address(1))))
			if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != c.want || e.Code != code || e.Against != c.against {
				t.Errorf("got %#v, want %s (code %s) against %q", err, c.want, code, c.against)
			}
		})
	}
}

// A number's limits are over when the provider says, not when we think: five tries within a quarter of an hour would use up
// what one wait would have mended.
func TestLimitsOfANumberAreWaitedFor(t *testing.T) {
	for words, want := range map[string]time.Duration{
		"触发分钟级流控Permits:1": time.Minute,
		"触发小时级流控Permits:5": time.Hour,
		"触发天级流控Permits:40": 14*time.Hour + time.Minute, // it is ten in the morning in China
		"触发了别的什么":          0,
	} {
		t.Run(words, func(t *testing.T) {
			provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":%q,"RequestId":"A"}`, words)
			}))
			defer provider.Close()
			cfg := config(t, notifytest.StartInbox(t, inbox.Options{}))
			cfg.Endpoint = provider.URL
			a := newAliyun(t, cfg)
			_, err := a.Send(t.Context(), prepare(t, a, notifytest.Message(1, address(1))))
			if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != breach.Temporary || e.After != want {
				t.Errorf("got %#v, want temporary, after %s", err, want)
			}
		})
	}
}

// What stands between us and the provider answers in its own way, and the provider may contradict itself.
func TestOddAnswers(t *testing.T) {
	for rule, c := range map[string]struct {
		status  int
		body    string
		want    breach.Outcome
		against notifiers.Against
	}{
		"a page in place of an answer":  {http.StatusOK, "<html>sign in</html>", breach.Unknown, ""},
		"nothing":                       {http.StatusOK, "", breach.Unknown, ""},
		"another shape":                 {http.StatusOK, `{"Code":0}`, breach.Unknown, ""},
		"moved":                         {http.StatusMovedPermanently, "", breach.Temporary, notifiers.Us},
		"the same request elsewhere":    {http.StatusTemporaryRedirect, "", breach.Temporary, notifiers.Us},
		"look elsewhere for the answer": {http.StatusSeeOther, "", breach.Unknown, ""},
		"a gateway's 502":               {http.StatusBadGateway, "<html>", breach.Unknown, ""},
		"OK with 500":                   {http.StatusInternalServerError, `{"Code":"OK","BizId":"1"}`, breach.Unknown, ""},
		"OK with an endless reference":  {http.StatusOK, `{"Code":"OK","BizId":"` + strings.Repeat("9", 100_000) + `"}`, breach.Accepted, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer provider.Close()
			cfg := config(t, notifytest.StartInbox(t, inbox.Options{}))
			cfg.Endpoint = provider.URL
			a := newAliyun(t, cfg)
			r, err := a.Send(t.Context(), prepare(t, a, notifytest.Message(1, address(1))))
			e, _ := errors.AsType[*notifiers.Error](err)
			if notifiers.OutcomeOf(err) != c.want || e != nil && e.Against != c.against || len(r.Reference) > 64 {
				t.Errorf("got %#v with a reference of %d; want %s against %q", err, len(r.Reference), c.want, c.against)
			}
		})
	}
}

func TestGatewayRefusesUsAndThatIsOursToMend(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	for rule, c := range map[string]struct {
		change func(*sms.AliyunConfig)
		now    time.Time
		code   string
	}{
		"unknown key":  {func(c *sms.AliyunConfig) { c.AccessKeyIDFile = notifytest.File(t, "other") }, notifytest.Now(), "InvalidAccessKeyId.NotFound"},
		"wrong secret": {func(c *sms.AliyunConfig) { c.AccessSecretFile = notifytest.File(t, "other") }, notifytest.Now(), "SignatureDoesNotMatch"},
		"clock astray": {func(*sms.AliyunConfig) {}, notifytest.Now().Add(20 * time.Minute), "InvalidTimeStamp.Expired"},
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := config(t, in)
			c.change(&cfg)
			a, err := sms.NewAliyun(cfg, func() time.Time { return c.now })
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			_, err = a.Send(t.Context(), prepare(t, a, notifytest.Message(1, address(1))))
			if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != breach.Temporary || e.Code != c.code || e.Against != notifiers.Us {
				t.Errorf("got %#v, want temporary with code %s, against us", err, c.code)
			}
		})
	}
}

func TestParameters(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	cfg := config(t, in)
	cfg.TemplateCodeEN, cfg.GuardianCodeEN, cfg.InternationalCode = "SMS_EN", "SMS_GUARDIAN_EN", "SMS_INTL"
	a := newAliyun(t, cfg)
	for rule, c := range map[string]struct {
		to       string
		language breach.Language
		audience breach.Audience
		number   string
		template string
	}{
		"mainland mobile":             {"+8613900000001", breach.Chinese, "", "13900000001", "SMS_100000001"},
		"an adult":                    {"+8613900000001", breach.Chinese, breach.ToPerson, "13900000001", "SMS_100000001"},
		"a minor":                     {"+8613900000001", breach.Chinese, breach.ToMinor, "13900000001", "SMS_MINOR"},
		"a guardian":                  {"+8613900000001", breach.Chinese, breach.ToGuardian, "13900000001", "SMS_GUARDIAN"},
		"mainland mobile, in English": {"+8613900000001", breach.English, "", "13900000001", "SMS_EN"},
		"a minor, in English":         {"+8613900000001", breach.English, breach.ToMinor, "13900000001", "SMS_MINOR"},
		"a guardian, in English":      {"+8613900000001", breach.English, breach.ToGuardian, "13900000001", "SMS_GUARDIAN_EN"},
		"abroad":                      {"+85291234567", breach.Chinese, breach.ToGuardian, "85291234567", "SMS_INTL"},
	} {
		t.Run(rule, func(t *testing.T) {
			m := notifytest.Message(1, c.to)
			m.Language, m.Audience = c.language, c.audience
			args, err := url.ParseQuery(string(prepare(t, a, m).Body))
			if err != nil {
				t.Fatal(err)
			}
			for k, want := range map[string]string{
				"PhoneNumbers": c.number, "TemplateCode": c.template, "SignName": "某某公司", "OutId": string(m.ID),
				"TemplateParam": `{"name":"金丝雀王小燕","number":"TQ7K2M"}`,
			} {
				if got := args.Get(k); got != want {
					t.Errorf("%s = %q, want %q", k, got, want)
				}
			}
		})
	}
}

func TestAsk(t *testing.T) {
	since := notifytest.Now()
	for rule, c := range map[string]struct {
		sent   bool
		status int // what the provider says of it
		later  time.Duration
		want   breach.Outcome
	}{
		"delivered":                          {true, inbox.SMSDelivered, time.Minute, breach.Accepted},
		"no word from the carrier yet":       {true, inbox.SMSWaiting, time.Minute, breach.Accepted},
		"the carrier refused it":             {true, inbox.SMSFailed, time.Minute, breach.Permanent},
		"no record, too soon to say":         {false, 0, time.Minute, breach.Unknown},
		"no record after the waiting time":   {false, 0, sms.DefaultAliyun().AskAfter, breach.Temporary},
		"asked on the day after":             {true, inbox.SMSDelivered, 20 * time.Hour, breach.Accepted},
		"further back than the provider can": {true, inbox.SMSDelivered, 31 * 24 * time.Hour, breach.Unknown},
	} {
		t.Run(rule, func(t *testing.T) {
			now := since
			clock := func() time.Time { return now }
			in := notifytest.StartInbox(t, inbox.Options{Now: clock})
			a, err := sms.NewAliyun(config(t, in), clock)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Close() }()
			w := prepare(t, a, notifytest.Message(1, address(1)))
			other := prepare(t, a, notifytest.Message(2, address(1))) // another message to the same number
			for _, x := range []notifiers.Wire{w, other} {
				if x.ID == w.ID && !c.sent {
					continue
				}
				if _, err := a.Send(t.Context(), x); err != nil {
					t.Fatal(err)
				}
			}
			in.SetSMSStatus(string(w.ID), c.status)
			now = since.Add(c.later)
			got, r, err := a.Ask(t.Context(), w, since)
			if err != nil || got != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
			if got == breach.Accepted && !r.At.Equal(since) {
				t.Errorf("receipt of %s, want %s", r.At, since)
			}
		})
	}
}

func TestAskReadsEveryPage(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	a := newAliyun(t, config(t, in))
	first := prepare(t, a, notifytest.Message(0, address(1)))
	for n := range 120 {
		if _, err := a.Send(t.Context(), prepare(t, a, notifytest.Message(n, address(1)))); err != nil {
			t.Fatal(err)
		}
	}
	if got, _, err := a.Ask(t.Context(), first, notifytest.Now()); err != nil || got != breach.Accepted {
		t.Errorf("got %s, %v: the oldest of 120 records was not found", got, err)
	}
}

func TestFailedQuestionIsAnError(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	cfg := config(t, in)
	cfg.AccessSecretFile = notifytest.File(t, "other")
	a := newAliyun(t, cfg)
	got, _, err := a.Ask(t.Context(), prepare(t, a, notifytest.Message(1, address(1))), notifytest.Now())
	if err == nil || got != breach.Unknown {
		t.Errorf("got %s, %v; want unknown and an error", got, err)
	}
}

func TestConfigFaultsAreNamed(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	for key, change := range map[string]func(*sms.AliyunConfig){
		"endpoint":               func(c *sms.AliyunConfig) { c.Endpoint = "http://dysmsapi.aliyuncs.com" },
		"access_key_id_file":     func(c *sms.AliyunConfig) { c.AccessKeyIDFile = "/nonexistent" },
		"access_key_secret_file": func(c *sms.AliyunConfig) { c.AccessSecretFile = notifytest.File(t, "") },
		"sign_name":              func(c *sms.AliyunConfig) { c.SignName = "【某某公司】" },
		"template_code":          func(c *sms.AliyunConfig) { c.TemplateCode = "" },
		"template_code_minor":    func(c *sms.AliyunConfig) { c.MinorCode = "" },
		"template_code_guardian": func(c *sms.AliyunConfig) { c.GuardianCode = "" },
		"connections":            func(c *sms.AliyunConfig) { c.Connections = 0 },
		"timeout":                func(c *sms.AliyunConfig) { c.Timeout = time.Millisecond },
	} {
		t.Run(key, func(t *testing.T) {
			cfg := config(t, in)
			change(&cfg)
			_, err := sms.NewAliyun(cfg, notifytest.Now)
			if err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("got %v, want an error that names %s", err, key)
			}
		})
	}
}
