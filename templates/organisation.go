package templates

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	_ "time/tzdata" // a laptop or a small image may lack the zones that deadlines are written in

	"tocsin/internal/breach"
)

// Organisation is who speaks, as the operator's configuration says. Everything in it is public.
type Organisation struct {
	Name     breach.Text // registered name
	Short    breach.Text // how people know it: signature of the SMS, title of the push message
	HomePage string      // bare home page of the registered main domain, "https://www.example.edu.cn"
	Hotline  string      // number for affected people
	Hours    breach.Text // when the hotline is staffed; empty for round the clock
	Email    string      // monitored address for affected people
	Zone     string      // IANA zone in which people read times; empty is Asia/Shanghai

	// Of use in filings only.
	Address    breach.Text
	CreditCode string // unified social credit code 统一社会信用代码, or another registration number
	Kind       breach.Text
}

// Validate names every fault at once. A notice must not leave the house with a dead hotline or a strange address.
func (o Organisation) Validate() error {
	var faults []error
	bad := func(field, says string) { faults = append(faults, fmt.Errorf("organisation: %s %s", field, says)) }
	for _, f := range []struct {
		name string
		text breach.Text
	}{{"name", o.Name}, {"short name", o.Short}} {
		if clean(f.text.ZH) == "" || clean(f.text.EN) == "" {
			bad(f.name, "must be given in Chinese and English")
		}
	}
	if _, err := homeHost(o.HomePage); err != nil {
		bad("home page", err.Error())
	}
	if digits(o.Hotline) < 3 || strings.Trim(o.Hotline, "+0123456789- ()") != "" {
		bad("hotline", "must be a telephone number")
	}
	if a, err := mail.ParseAddress(o.Email); err != nil || a.Name != "" || a.Address != o.Email {
		bad("email", "must be a bare address, such as privacy@example.com")
	}
	if _, err := zone(o.Zone); err != nil {
		bad("zone", "must be an IANA zone, such as Asia/Shanghai")
	}
	return errors.Join(faults...)
}

// homeHost checks that a home page is bare, and returns its host.
func homeHost(page string) (string, error) {
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(page, "?#") {
		return "", errors.New("must be a bare address such as https://www.example.com, without a path")
	}
	return strings.ToLower(u.Host), nil
}

// typedHome is the home page as a person types it, without scheme: nothing in a notice is there to be clicked.
func (o Organisation) typedHome() string {
	host, err := homeHost(o.HomePage)
	if err != nil {
		return ""
	}
	return host
}

func digits(s string) int { return len(onlyDigits(s)) }

func zone(name string) (*time.Location, error) {
	if name == "" {
		name = "Asia/Shanghai"
	}
	return time.LoadLocation(name)
}
