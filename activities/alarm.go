package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
)

// alarm asks a person to look, and stops the campaign unless waiting is all that can be done.
func (s *sending) alarm(ctx context.Context, found finding, err error) error {
	if found == unreachable || found == stalled {
		if s.alarmed[found-unreachable].Swap(true) {
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

// alarmText is what the lead is told of a finding. {channel} is the channel's name, {said} the step and the code, {resume} what to type.
type alarmText struct {
	about         string // set before what the task is about, so that each kind has a task of its own
	title, detail breach.Text
}

var alarmTexts = map[finding]alarmText{
	refusesUs: {
		title: breach.Text{ZH: "{channel}通道拒绝我方，发送已暂停", EN: "The {channel} provider refuses us; sending is halted"},
		detail: breach.Text{
			ZH: "拒绝针对的是我方，而非收件人（{said}）：凭据、发件人、证书、签名或模板。无人因此转入下一渠道，均在等待。请修正设置 notifiers 或在服务商处处理；改动设置后重启 worker，用 tocsin notice test-send 检查，再用 {resume} 继续。",
			EN: "What it refuses is us, not the recipients ({said}): a credential, the sender, a certificate, the signature or a template. Nobody was passed over; they wait. Mend it under notifiers or with the provider, restart the workers after a change of settings, check with tocsin notice test-send, then go on with {resume}.",
		},
	},
	byPolicy: {
		title: breach.Text{ZH: "{channel}因策略被拒，发送已暂停", EN: "The {channel} is refused by policy; sending is halted"},
		detail: breach.Text{
			ZH: "连续多条告知因对方策略被拒，期间无一被接收（{said}）：信誉、SPF、DKIM、DMARC、内容或速率。请与通道管理员查明原因并修复，再用 {resume} 继续。",
			EN: "Message after message was refused by policy, and none was taken meanwhile ({said}): reputation, SPF, DKIM, DMARC, the words or the rate. Find out why with whoever runs the channel, mend it, then go on with {resume}.",
		},
	},
	refusesAll: {
		title: breach.Text{ZH: "{channel}连续被拒，发送已暂停", EN: "One {channel} after the other is refused; sending is halted"},
		detail: breach.Text{
			ZH: "连续多名收件人被拒，期间无一被接收（{said}）；他们已转入下一渠道。请检查通道设置与名单质量（tocsin people count）。若名单本就如此，用 {resume} 继续：之后容许更多。",
			EN: "One recipient after the other was refused for good, and none was taken meanwhile ({said}); those have gone on to their next channel. Look at the channel's settings and at the list (tocsin people count). Where the list is like that, go on with {resume}: more is borne then.",
		},
	},
	noAnswers: {
		title: breach.Text{ZH: "{channel}发出后没有答复，发送已暂停", EN: "No answer to one {channel} after the other; sending is halted"},
		detail: breach.Text{
			ZH: "消息已交出，但对方是否接收不明，期间无一得到答复（{said}）。继续发送可能使每个人收到两次。请向服务商核实这些消息是否已送达，排除故障后用 {resume} 继续。",
			EN: "Messages left, and whether they were taken is not known; none was answered meanwhile ({said}). To go on could mean two copies for everybody. Find out from the provider whether they arrived and what is wrong, then go on with {resume}.",
		},
	},
	stalled: {
		about: "nothing taken of ",
		title: breach.Text{ZH: "{channel}通道只答复“稍后再试”", EN: "The {channel} provider says only \"later\""},
		detail: breach.Text{
			ZH: "已有半小时没有任何一条被接收，对方一律答复暂不接收（{said}）。发送会自动重试，最长为 policy.retry_window，此后相关人员转用下一渠道。请向服务商了解原因（队列、磁盘、配额、灰名单），然后结束本任务。",
			EN: "For half an hour nothing was taken; the answer to everything is \"later\" ({said}). It is tried again by itself, for policy.retry_window at most; then people go on to their next channel. Ask the provider why (a queue, a disk, a quota, greylisting), then end this task.",
		},
	},
	unreachable: {
		about: "no way for ",
		title: breach.Text{ZH: "{channel}通道无法连通", EN: "The {channel} provider cannot be reached"},
		detail: breach.Text{
			ZH: "已有五分钟无法交出任何一条（{said}）。发送会自动重试，恢复后自行继续；超过 policy.retry_window 后，相关人员转用下一渠道。请检查网络与服务商状态，然后结束本任务。",
			EN: "For five minutes nothing could be handed over ({said}). It is tried again by itself and goes on when the way is open; after policy.retry_window people go on to their next channel. Look at the network and at the provider, then end this task.",
		},
	},
}

func (s *sending) alarmTask(found finding, err error) store.Task {
	name, text := channelNames[s.channel], alarmTexts[found]
	fill := func(channel, words string) string {
		return strings.NewReplacer("{channel}", channel, "{said}", whatFailed(err),
			"{resume}", fmt.Sprintf("tocsin notice resume %s %d", s.lease.Incident, s.lease.Campaign)).Replace(words)
	}
	return store.Task{
		IncidentID: s.lease.Incident, Kind: breach.TaskFinding, OwnerRole: breach.RoleLead, Ref: fmt.Sprintf("%s%s of notice %d", text.about, s.channel, s.lease.Campaign),
		Title:  breach.Text{ZH: fill(name.ZH, text.title.ZH), EN: fill(name.EN, text.title.EN)},
		Detail: breach.Text{ZH: fill(name.ZH, text.detail.ZH), EN: fill(name.EN, text.detail.EN)},
	}
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
