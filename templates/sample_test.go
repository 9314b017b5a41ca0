package templates_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

var update = flag.Bool("update", false, "rewrite the golden files from what the package makes now")

var (
	occurred  = time.Date(2026, 11, 19, 14, 0, 0, 0, time.UTC)
	aware     = time.Date(2026, 11, 20, 19, 10, 0, 0, time.UTC)
	issued    = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
	noticeNo  = templates.NewNoticeNumber([16]byte{0x3a, 0x91, 0x5c, 0x77, 0xe2, 0x0b, 0x48, 0xd6, 0x1f, 0x84, 0xaa, 0x63})
	audiences = []breach.Audience{breach.ToPerson, breach.ToMinor, breach.ToGuardian}
)

func sampleOrganisation() templates.Organisation {
	return templates.Organisation{
		Name:       breach.Text{ZH: "示例在线教育有限公司", EN: "Example Online Education Co., Ltd."},
		Short:      breach.Text{ZH: "示例教育", EN: "Example Education"},
		HomePage:   "https://www.example.com",
		Hotline:    "400-000-0000",
		Hours:      breach.Text{ZH: "每天 7:00 至 23:00（北京时间）", EN: "every day from 7:00 to 23:00, Beijing time"},
		Email:      "privacy@example.com",
		Address:    breach.Text{ZH: "示例省示例市示例路 1 号", EN: "1 Example Road, Example City"},
		CreditCode: "91000000000000000X",
		Kind:       breach.Text{ZH: "网络运营者；电信业务经营者", EN: "network operator; telecommunications business operator"},
	}
}

func sampleNotice() templates.NoticeView {
	return templates.NoticeView{
		Organisation: sampleOrganisation(),
		Number:       noticeNo,
		Incident:     "INC-2026-0001",
		State:        "confirmed",
		Kinds:        []string{"leak"},
		Categories:   []string{"credentials", "name", "contact", "education"},
		OccurredAt:   &occurred,
		AwareAt:      &aware,
		IssuedAt:     issued,
		Cause: breach.Text{
			ZH: "一台查询服务器的访问权限设置有误，有人借此批量读取了学员资料。",
			EN: "The access rights of one query server were set wrongly, and someone used this to read student records in bulk.",
		},
		MinorCause: breach.Text{ZH: "我们有一台电脑没有锁好，有人偷偷翻看了里面的资料。", EN: "One of our computers was not locked properly, and someone looked at what was in it."},
		MinorMeasures: []breach.Text{
			{ZH: "我们把那台电脑断了网，换掉了所有的“钥匙”。", EN: "We took that computer off the internet and changed all its keys."},
			{ZH: "下次打开我们的网站或应用时，会请你设一个新密码。", EN: "The next time you open our website or app, you choose a new password there."},
		},
		Measures: []breach.Text{
			{ZH: "2026年11月21日 04:05，已将该服务器从网络上隔离，并吊销它能用到的全部密钥。", EN: "On 21 November 2026 at 04:05 Beijing time we took that server off the network and revoked every key it could use."},
			{ZH: "已让全部账号退出登录；您下次打开我们自己的网站或应用时，需要设置新密码。", EN: "We signed every account out. When you next open our own website or app, you choose a new password there."},
		},
	}
}

// golden compares a text with its file, or rewrites the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./templates -update writes it", err)
	}
	if string(want) != got {
		t.Errorf("%s differs; go test ./templates -update rewrites it, then read the diff as prose:\n%s", path, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			other := ""
			if i < len(g) {
				other = g[i]
			}
			return "- " + w[i] + "\n+ " + other
		}
	}
	return "+ " + strings.Join(g[len(w):], "\n+ ")
}
