package synthetic

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"tocsin/internal/audience"
)

type kind int

const (
	regular kind = iota
	minor
	shared
	broken
	refused
	deferred
	refusedOnly
	unreachable
	pushOnly
	badRow
)

var headers = []string{"用户ID", "姓名", "邮箱", "手机号", "推送标识", "语言", "出生日期", "监护人姓名", "监护人邮箱", "监护人手机", "第二监护人姓名", "第二监护人手机", "内部备注"}

// person is one row before it is written.
type person struct {
	id, name, email, phone, token, language, birth string
	guardian, second                               guardian
}

type guardian struct{ name, email, phone string }

func (p person) row() []string {
	return []string{p.id, p.name, p.email, p.phone, p.token, p.language, p.birth, p.guardian.name, p.guardian.email, p.guardian.phone, p.second.name, p.second.phone, "样例"}
}

type generator struct {
	o    Options
	rng  *rand.Rand
	text io.Writer // encodes
	raw  io.Writer

	number    int // of the next person
	couples   int
	minors    int
	bad       int
	unreached int
	family    [2]guardian // whose children come next
	children  int         // left in that family

	tally    Tally
	distinct map[string]bool
	canaries []string
}

func newGenerator(o Options, text, raw io.Writer) *generator {
	return &generator{
		o: o, rng: rand.New(rand.NewPCG(o.Seed, 0x746f6373696e)), text: text, raw: raw, number: o.First,
		distinct: make(map[string]bool), tally: Tally{Warned: make(map[audience.Reason]int)},
	}
}

func (g *generator) run() error {
	if _, err := io.WriteString(g.text, strings.Join(headers, ",")+"\r\n"); err != nil {
		return err
	}
	for _, k := range g.order() {
		if err := g.write(k); err != nil {
			return err
		}
	}
	return nil
}

// order mixes the kinds over the file.
func (g *generator) order() []kind {
	var all []kind
	add := func(k kind, n int) {
		for range n {
			all = append(all, k)
		}
	}
	o := g.o
	add(minor, o.Minors)
	add(shared, o.Shared)
	add(broken, o.Broken)
	add(refused, o.Refused)
	add(deferred, o.Deferred)
	add(refusedOnly, o.RefusedOnly)
	add(unreachable, o.Unreachable)
	add(pushOnly, o.PushOnly)
	add(regular, o.People-len(all))
	add(badRow, o.BadRows)
	g.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func (g *generator) write(k kind) error {
	g.tally.Rows++
	if k == badRow {
		return g.writeBad()
	}
	g.tally.People++
	p := g.person(k)
	g.count(p)
	_, err := io.WriteString(g.text, strings.Join(p.row(), ",")+"\r\n")
	return err
}

func (g *generator) person(k kind) person {
	n := g.number
	g.number++
	p := person{
		id:       fmt.Sprintf("demo-%07d", n),
		name:     surname(n) + "示例" + numerals(n),
		language: "zh-CN",
	}
	if g.rng.IntN(20) == 0 {
		p.language = "en"
	}
	if k == minor {
		g.makeMinor(&p, n)
		return p
	}
	p.birth = g.birth(19+g.rng.IntN(60), n)
	g.contacts(&p, k, n)
	return p
}

func (g *generator) contacts(p *person, k kind, n int) {
	switch k {
	case regular, deferred:
		p.email = email(n)
		if g.rng.IntN(5) > 0 {
			p.phone = adultPhone(n)
		}
		if g.rng.IntN(3) == 0 {
			p.token = g.token()
		}
		if k == deferred {
			p.email = fmt.Sprintf("shili.%07d@%s", n, DeferredDomain)
		} else if p.phone != "" && g.rng.IntN(8) == 0 {
			p.email = "" // can only be told by SMS
		}
	case shared:
		p.email = fmt.Sprintf("jia.%07d@home.example", g.o.First+g.couples/2)
		p.phone = fmt.Sprintf("137%08d", g.o.First+g.couples/2)
		g.couples++
	case broken:
		p.email = []string{"shili.%07d@", "shili.%07d.example.com", "shili %07d@example.com", "shili.%07d@@example.com"}[n%4]
		p.email = fmt.Sprintf(p.email, n)
		p.phone = adultPhone(n)
		g.tally.Warned[audience.BadEmail]++
	case refused:
		p.email = fmt.Sprintf("shili.%07d@%s", n, RefusedDomain)
		p.phone = adultPhone(n)
	case refusedOnly:
		p.email = fmt.Sprintf("shili.%07d@%s", n, RefusedDomain)
	case pushOnly:
		p.token = g.token()
	case unreachable:
		g.noContact(p, n)
	case minor, badRow: // have none of their own here
	}
}

// noContact leaves every second one with contacts that cannot be used.
func (g *generator) noContact(p *person, n int) {
	g.tally.NoContact++
	g.tally.Warned[audience.NoContact]++
	if g.unreached++; g.unreached%2 == 0 {
		p.email, p.phone = fmt.Sprintf("shili.%07d@", n), fmt.Sprintf("138%09d", n) // a digit too many
		g.tally.Warned[audience.BadEmail]++
		g.tally.Warned[audience.BadPhone]++
	}
}

func (g *generator) makeMinor(p *person, n int) {
	if g.children == 0 {
		g.newFamily(n)
	}
	g.children--
	p.guardian, p.second = g.family[0], g.family[1]
	g.tally.Minors++
	g.minors++
	if g.minors%3 != 0 {
		g.tally.Under14++
		p.birth = g.birth(3+g.rng.IntN(10), n)
		return
	}
	p.birth = g.birth(15+g.rng.IntN(2), n)
	if g.rng.IntN(2) == 0 {
		p.phone = fmt.Sprintf("136%08d", n)
	}
}

func (g *generator) newFamily(n int) {
	g.children = []int{1, 1, 1, 2, 2, 3}[g.rng.IntN(6)]
	first := guardian{name: surname(n) + "家长" + numerals(n), email: fmt.Sprintf("jiazhang.%07d@home.example", n), phone: fmt.Sprintf("139%08d", n)}
	if g.rng.IntN(5) == 0 {
		first.phone = ""
	}
	g.family = [2]guardian{first}
	g.tally.Guardians++
	if g.rng.IntN(5) == 0 {
		g.family[1] = guardian{name: surname(n+7) + "家长" + numerals(n), phone: fmt.Sprintf("135%08d", n)}
		g.tally.Guardians++
	}
}

// birth gives a birth date of an age in full years, far enough from the birthday, in one of the usual forms.
func (g *generator) birth(age, n int) string {
	t := g.o.At.AddDate(-age, 0, -30-g.rng.IntN(300))
	return t.Format([]string{"2006-01-02", "2006/1/2", "20060102", "2006年1月2日"}[n%4])
}

func (g *generator) count(p person) {
	for _, e := range []string{p.email, p.guardian.email} {
		if strings.Contains(e, "@") && !strings.Contains(e, " ") && !strings.Contains(e, "@@") && !strings.HasSuffix(e, "@") {
			g.once(e, &g.tally.Emails)
		}
	}
	for _, t := range []string{p.phone, p.guardian.phone, p.second.phone} {
		if len(t) == 11 {
			g.once(t, &g.tally.Phones)
		}
	}
	if p.token != "" {
		g.once(p.token, &g.tally.Tokens)
	}
	g.canary(p.id, p.name, p.email, p.phone, p.token, p.guardian.name, p.guardian.email, p.guardian.phone, p.second.name, p.second.phone)
}

func (g *generator) once(contact string, counter *int) {
	if !g.distinct[contact] {
		g.distinct[contact] = true
		*counter++
	}
}

func (g *generator) canary(values ...string) {
	for _, v := range values {
		if v != "" && !g.distinct["canary "+v] {
			g.distinct["canary "+v] = true
			g.canaries = append(g.canaries, v)
		}
	}
}

func (g *generator) result() Result { return Result{Tally: g.tally, Canaries: g.canaries} }

func (g *generator) token() string { return fmt.Sprintf("%016x%016x", g.rng.Uint64(), g.rng.Uint64()) }

func email(n int) string {
	return fmt.Sprintf("shili.%07d@%s", n, []string{"example.com", "mail.example", "post.test"}[n%3])
}

func adultPhone(n int) string { return fmt.Sprintf("138%08d", n) }

var surnames = []rune("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳")

func surname(n int) string { return string(surnames[n%len(surnames)]) }

var numeral = []rune("〇一二三四五六七八九")

// numerals writes a number with Chinese digits, at least four.
func numerals(n int) string {
	var b strings.Builder
	for _, d := range fmt.Sprintf("%04d", n) {
		b.WriteRune(numeral[d-'0'])
	}
	return b.String()
}
