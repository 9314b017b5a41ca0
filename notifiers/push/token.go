package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// tokens keeps the one token that all requests share: the provider allows 100 new ones a minute and each lasts a day.
type tokens struct {
	g           *Getui
	key, secret string

	turn    chan struct{} // whoever holds it reads and renews
	current string
	end     time.Time
}

// tokens are renewed this long before their end.
const early = 10 * time.Minute

// get returns a token that is not the one given, which the provider has turned away. Whatever fails here is Temporary: no
// message has left.
func (t *tokens) get(ctx context.Context, turnedAway string) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", t.g.client.Fail("authenticate", "", breach.Temporary)
	}
	if t.current != "" && t.current != turnedAway && t.g.now().Before(t.end.Add(-early)) {
		return t.current, nil
	}
	token, end, err := t.ask(ctx)
	if err != nil {
		return "", err
	}
	t.current, t.end = token, end
	return token, nil
}

// ask signs in. Source: Getui REST v2, auth: sign = sha256(appkey + timestamp + mastersecret).
func (t *tokens) ask(ctx context.Context) (string, time.Time, error) {
	stamp := strconv.FormatInt(t.g.now().UnixMilli(), 10)
	sum := sha256.Sum256([]byte(t.key + stamp + t.secret))
	body, err := json.Marshal(map[string]string{"sign": hex.EncodeToString(sum[:]), "timestamp": stamp, "appkey": t.key})
	if err != nil {
		return "", time.Time{}, t.g.client.Fail("authenticate", "request", breach.Temporary)
	}
	said, answer, err := t.g.post(ctx, "authenticate", "/auth", "", body)
	if err != nil {
		if e, ok := errors.AsType[*notifiers.Error](err); ok {
			e.Doing, e.Outcome = "authenticate", breach.Temporary
		}
		return "", time.Time{}, err
	}
	var data struct {
		Token      string `json:"token"`
		ExpireTime string `json:"expire_time"`
	}
	if said.Code != 0 || json.Unmarshal(said.Data, &data) != nil || data.Token == "" {
		e := t.g.client.Fail("authenticate", strconv.Itoa(said.Code), breach.Temporary)
		e.Against, e.After = codeAgainst(said.Code), answer.After
		if said.Code == badParameter { // no recipient was named: it is the key, the signature or the application
			e.Against = notifiers.Us
		}
		return "", time.Time{}, e
	}
	ms, err := strconv.ParseInt(data.ExpireTime, 10, 64)
	if err != nil { // the token is good; only its end is not known
		return data.Token, t.g.now().Add(2 * early), nil
	}
	return data.Token, time.UnixMilli(ms), nil
}
