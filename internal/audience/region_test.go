package audience_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/audience"
)

func TestRegions(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"CN", "CN"},
		{"cn", "CN"},
		{"中国", "CN"},
		{"中国大陆", "CN"},
		{"China", "CN"},
		{"CHN", "CN"},
		{"US-CA", "US-CA"},
		{"us_ca", "US-CA"},
		{"California", "US-CA"},
		{"加州", "US-CA"},
		{"New York", "US-NY"},
		{"德国", "DE"},
		{"Germany", "DE"},
		{"DE", "DE"},
		{"UK", "GB"},
		{"香港", "HK"},
		{"EU", "EU"},
		{"Georgia", "GE"},
		{"DE-BY", "DE-BY"},
		{"CN-11", "CN-11"},
		{"Ｃａｎａｄａ", "CA"},
		{"Puerto Rico", "US-PR"},
		{"US-XX", ""},
		{"XX", ""},
		{"ZZ", ""},
		{"Atlantis", ""},
		{"CN-", ""},
		{"CN-北京", ""},
		{"156", ""},
		{"C", ""},
	} {
		p := one(t, "邮箱,国家/地区\na@example.com,"+c.in+"\n")
		if p.Region != c.want {
			t.Errorf("region %q became %q, want %q", c.in, p.Region, c.want)
		}
	}
}

func TestCategories(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  []string
		warns bool
	}{
		{"name", []string{"name"}, false},
		{"姓名、手机号、身份证号", []string{"contact", "id_number", "name"}, false},
		{"name;phone;email", []string{"contact", "name"}, false},
		{"Health Data | passwords", []string{"credentials", "health"}, false},
		{"name;shoe size", []string{"name"}, true},
		{"", nil, false},
		{"N/A", nil, false},
	} {
		rows := readAll(t, open(t, "邮箱,数据类别\na@example.com,\""+c.in+"\"\n"))
		if d := cmp.Diff(c.want, rows[0].Person.Categories); d != "" {
			t.Errorf("%q: %s", c.in, d)
		}
		if warned := len(rows[0].Warnings) > 0 && rows[0].Warnings[0].Reason == audience.BadCategory; warned != c.warns {
			t.Errorf("%q: warned is %v", c.in, warned)
		}
	}
}
