package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
)

// trouble is what speaks against a channel as such: failures since it last took a message over. A wrong password, a template
// that was withdrawn, a relay that no longer relays for us: each message fails by itself, and without this a whole audience
// would go on to its next channel one by one before anybody looked. It is safe for concurrent use and shared by all shards of
// a process.
type trouble struct {
	quiet atomic.Bool // nothing speaks against it; the way of every message that is taken

	mu       sync.Mutex
	taken    bool                       // it has ever taken a message over
	us       int                        // failures that are against us
	usSince  time.Time                  // the first of them
	usHalts  int                        // how often a campaign was halted for it
	refused  map[breach.DeliveryID]bool // deliveries that were refused for good, or by policy
	person   bool                       // one of them for good, which is about a person
	first    time.Time                  // when the first of them was
	doubts   map[breach.DeliveryID]bool // deliveries of which nobody knows
	doubted  time.Time                  // when the first of them was
	silent   time.Time                  // since when the other side cannot be reached; zero while it can
	patience int                        // so many times the usual is borne: whoever let it go on has seen it
}

// What is too much.
const (
	usTwice      = 2                // failures against us
	usFor        = 30 * time.Second // for so long: what passes by itself needs nobody
	usBelieved   = 3                // halts: who lets it go on so often without a change says that it is the recipients after all
	policyFew    = 3                // deliveries refused by policy in a row, of a channel that never took one
	policyMany   = 20               // of another
	refusedFirst = 20               // deliveries refused for good in a row, of a channel that never took one
	refusedMany  = 100              // of another: lists hold dead addresses, and more dead devices
	doubtsFew    = 8                // deliveries in doubt in a row
	doubtsFor    = time.Minute      // for so long
	doubtsMany   = 50               // or so many, however fast
	silentFor    = 5 * time.Minute
	patienceMore = 5 // after each halt so many times as much
)

// finding is what has become too much.
type finding int

const (
	fine        finding = iota
	refusesUs           // our credentials, sender, certificate, signature or template
	byPolicy            // our standing, or our words
	refusesAll          // so many recipients that it is hardly they
	noAnswers           // messages leave, and nobody knows what becomes of them
	unreachable         // nobody answers; it may come back by itself
)

func newTrouble() *trouble {
	return &trouble{refused: map[breach.DeliveryID]bool{}, doubts: map[breach.DeliveryID]bool{}, patience: 1}
}

// heard learns what an attempt came to and says what has become too much, at every attempt until a message is taken over.
func (t *trouble) heard(id breach.DeliveryID, err error, now time.Time) finding {
	if err == nil && t.quiet.Load() {
		return fine
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.us, t.usSince, t.usHalts, t.silent, t.person, t.taken = 0, time.Time{}, 0, time.Time{}, false, true
		clear(t.refused)
		clear(t.doubts)
		t.quiet.Store(true)
		return fine
	}
	e, ok := errors.AsType[*notifiers.Error](err)
	if !ok {
		return fine
	}
	t.quiet.Store(false)
	if e.Outcome == breach.Unknown {
		return t.inDoubt(id, now)
	}
	switch {
	case e.Against == notifiers.Us && t.believed(e):
		return t.refusedUs(now)
	case e.Against == notifiers.Us:
		return t.refusedOne(id, true, now)
	case ofRelay(e):
		if t.silent.IsZero() {
			t.silent = now
		}
		if now.Sub(t.silent) >= silentFor {
			return unreachable
		}
		return fine
	}
	t.silent = time.Time{}
	if e.Outcome == breach.Permanent || e.Against == notifiers.Policy {
		return t.refusedOne(id, e.Against == "", now)
	}
	return fine
}

// believed reports that a failure counts as one against us: always before the other side heard for whom the message is, and until
// a person has said otherwise afterwards.
func (t *trouble) believed(e *notifiers.Error) bool {
	return t.usHalts < usBelieved || ofRelay(e)
}

func (t *trouble) refusedUs(now time.Time) finding {
	t.silent = time.Time{}
	if t.us++; t.us == 1 {
		t.usSince = now
	}
	if t.us >= usTwice && now.Sub(t.usSince) >= usFor {
		return refusesUs
	}
	return fine
}

func (t *trouble) refusedOne(id breach.DeliveryID, person bool, now time.Time) finding {
	if len(t.refused) == 0 {
		t.first = now
	}
	t.refused[id], t.person = true, t.person || person
	n, found := len(t.refused), fine
	switch {
	case t.person && (n >= refusedMany*t.patience || !t.taken && n >= refusedFirst*t.patience):
		found = refusesAll
	case t.person:
	case n >= policyMany*t.patience, !t.taken && n >= policyFew*t.patience && now.Sub(t.first) >= usFor:
		found = byPolicy
	}
	if found != fine {
		clear(t.refused)
		t.person, t.patience = false, t.patience*patienceMore
	}
	return found
}

// inDoubt counts messages that may have gone out. Each would be sent once more, and then its people would go on all the same.
func (t *trouble) inDoubt(id breach.DeliveryID, now time.Time) finding {
	if len(t.doubts) == 0 {
		t.doubted = now
	}
	t.doubts[id] = true
	n := len(t.doubts)
	if n < doubtsMany*t.patience && (n < doubtsFew*t.patience || now.Sub(t.doubted) < doubtsFor) {
		return fine
	}
	clear(t.doubts)
	t.patience *= patienceMore
	return noAnswers
}

// againstUs reports that messages fail like this because of us, and that none was taken over since: they are never given up for
// it, however long it takes to mend it.
func (t *trouble) againstUs(e *notifiers.Error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return e.Against == notifiers.Us && t.us >= usTwice && t.believed(e)
}

// halted notes that a campaign was halted.
func (t *trouble) halted(found finding) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found == refusesUs {
		t.usHalts++
	}
}

// troubleOf returns what this process knows against a channel.
func (s *Sender) troubleOf(channel breach.Channel) *trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.troubles == nil {
		s.troubles = map[breach.Channel]*trouble{}
	}
	if s.troubles[channel] == nil {
		s.troubles[channel] = newTrouble()
	}
	return s.troubles[channel]
}

// alarm asks a person to look, and stops the campaign unless waiting is all that can be done.
func (s *sending) alarm(ctx context.Context, found finding, err error) error {
	if found == unreachable {
		if s.alarmed.Swap(true) {
			return nil
		}
		return s.Store.AddTask(ctx, s.alarmTask(found, err))
	}
	s.asking.Lock() // of several lanes one asks
	defer s.asking.Unlock()
	halted, failed := s.Store.Halted(ctx, s.lease)
	if failed != nil || halted {
		return failed
	}
	if failed := s.Store.AddTask(ctx, s.alarmTask(found, err)); failed != nil {
		return failed
	}
	s.troubleOf(s.channel).halted(found)
	return s.Store.Halt(ctx, s.lease.Incident, s.lease.Campaign, true, breach.Tocsin)
}

// channelNames are what people call a channel.
var channelNames = map[breach.Channel]breach.Text{
	breach.Email: {ZH: "邮件", EN: "email"}, breach.SMS: {ZH: "短信", EN: "SMS"}, breach.Push: {ZH: "推送", EN: "push"},
}

// whatFailed names an attempt's step and code; the other side's words stay outside.
func whatFailed(err error) string {
	e, ok := errors.AsType[*notifiers.Error](err)
	if !ok {
		return "?"
	}
	return strings.TrimSpace(e.Doing + " " + e.Code)
}

func (s *sending) alarmTask(found finding, err error) store.Task {
	name, said := channelNames[s.channel], whatFailed(err)
	n, id := s.lease.Campaign, s.lease.Incident
	resume := fmt.Sprintf("tocsin notice resume %s %d", id, n)
	task := store.Task{IncidentID: id, Kind: breach.TaskFinding, OwnerRole: breach.RoleLead, Ref: fmt.Sprintf("%s of notice %d", s.channel, n)}
	switch found {
	case refusesUs:
		task.Title = breach.Text{ZH: name.ZH + "通道拒绝我方，发送已暂停", EN: "The " + name.EN + " provider refuses us; sending is halted"}
		task.Detail = breach.Text{
			ZH: fmt.Sprintf("拒绝针对的是我方，而非收件人（%s）：凭据、发件人、证书、签名或模板。无人因此转入下一渠道，均在等待。请修正设置 notifiers 或在服务商处处理；改动设置后重启 worker，用 tocsin notice test-send 检查，再用 %s 继续。", said, resume),
			EN: fmt.Sprintf("What it refuses is us, not the recipients (%s): a credential, the sender, a certificate, the signature or a template. Nobody was passed over; they wait. Mend it under notifiers or with the provider, restart the workers after a change of settings, check with tocsin notice test-send, then go on with %s.", said, resume),
		}
	case byPolicy:
		task.Title = breach.Text{ZH: name.ZH + "因策略被拒，发送已暂停", EN: "The " + name.EN + " is refused by policy; sending is halted"}
		task.Detail = breach.Text{
			ZH: fmt.Sprintf("连续多条告知因对方策略被拒，期间无一被接收（%s）：信誉、SPF、DKIM、DMARC、内容或速率。请与通道管理员查明原因并修复，再用 %s 继续。", said, resume),
			EN: fmt.Sprintf("Message after message was refused by policy, and none was taken meanwhile (%s): reputation, SPF, DKIM, DMARC, the words or the rate. Find out why with whoever runs the channel, mend it, then go on with %s.", said, resume),
		}
	case refusesAll:
		task.Title = breach.Text{ZH: name.ZH + "连续被拒，发送已暂停", EN: "One " + name.EN + " after the other is refused; sending is halted"}
		task.Detail = breach.Text{
			ZH: fmt.Sprintf("连续多名收件人被拒，期间无一被接收（%s）；他们已转入下一渠道。请检查通道设置与名单质量（tocsin people count）。若名单本就如此，用 %s 继续：之后容许更多。", said, resume),
			EN: fmt.Sprintf("One recipient after the other was refused for good, and none was taken meanwhile (%s); those have gone on to their next channel. Look at the channel's settings and at the list (tocsin people count). Where the list is like that, go on with %s: more is borne then.", said, resume),
		}
	case noAnswers:
		task.Title = breach.Text{ZH: name.ZH + "发出后没有答复，发送已暂停", EN: "No answer to one " + name.EN + " after the other; sending is halted"}
		task.Detail = breach.Text{
			ZH: fmt.Sprintf("消息已交出，但对方是否接收不明，期间无一得到答复（%s）。继续发送可能使每个人收到两次。请向服务商核实这些消息是否已送达，排除故障后用 %s 继续。", said, resume),
			EN: fmt.Sprintf("Messages left, and whether they were taken is not known; none was answered meanwhile (%s). To go on could mean two copies for everybody. Find out from the provider whether they arrived and what is wrong, then go on with %s.", said, resume),
		}
	default:
		task.Ref = "no way for " + task.Ref
		task.Title = breach.Text{ZH: name.ZH + "通道无法连通", EN: "The " + name.EN + " provider cannot be reached"}
		task.Detail = breach.Text{
			ZH: fmt.Sprintf("已有五分钟无法交出任何一条（%s）。发送会自动重试，恢复后自行继续；超过 policy.retry_window 后，相关人员转用下一渠道。请检查网络与服务商状态，然后结束本任务。", said),
			EN: fmt.Sprintf("For five minutes nothing could be handed over (%s). It is tried again by itself and goes on when the way is open; after policy.retry_window people go on to their next channel. Look at the network and at the provider, then end this task.", said),
		}
	}
	return task
}

// An ailer is a notifier with several ways.
type ailer interface {
	// Ailing returns why ways are not used, by their places in the settings.
	Ailing() map[int]error
}

// tellAiling asks a person to look after relays whose mail the others carry: nothing fails, so that nobody would notice that half of
// the capacity is gone.
func (s *sending) tellAiling(ctx context.Context, ailing map[int]error) error {
	if len(ailing) == 0 {
		return nil
	}
	var each []string
	for _, at := range slices.Sorted(maps.Keys(ailing)) {
		each = append(each, fmt.Sprintf("%d: %s", at, whatFailed(ailing[at])))
	}
	said := strings.Join(each, "; ")
	return s.Store.AddTask(ctx, store.Task{
		IncidentID: s.lease.Incident, Kind: breach.TaskFinding, OwnerRole: breach.RoleLead, Ref: fmt.Sprintf("relays of notice %d", s.lease.Campaign),
		Title: breach.Text{ZH: "部分邮件中继不可用", EN: "A mail relay takes nothing"},
		Detail: breach.Text{
			ZH: fmt.Sprintf("notifiers 中按顺序的以下中继连续失败：%s。其邮件由其余中继承担，速度因此下降；系统会不时再试。请检查后结束本任务。", said),
			EN: fmt.Sprintf("These relays, by their order under notifiers, fail one time after the other: %s. The others carry their mail, which is slower; they are tried again now and then. Look at them, then end this task.", said),
		},
	})
}
