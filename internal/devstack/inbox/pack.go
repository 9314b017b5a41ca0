package inbox

import (
	"bytes"
	"compress/flate"
	"io"
)

// A campaign is one text many times over, so each body is deflated against an earlier one of its kind: a mail of 14 kB
// takes a few hundred bytes, and 50,000 of them fit where 50 did.
const (
	dictBytes = 32 << 10 // deflate looks back no further
	maxDicts  = 16
	goodRatio = 4 // a body that does not shrink to a quarter becomes a dictionary itself
)

// packed is a body at rest.
type packed struct {
	dict []byte // shared
	data []byte
}

// packer packs one channel's bodies. Its owner serialises the calls.
type packer struct {
	dicts [][]byte
	next  []*flate.Writer // one for each dictionary; they are large and made once
	buf   bytes.Buffer
}

func (p *packer) pack(raw []byte) packed {
	var best packed
	for i := len(p.dicts) - 1; i >= 0; i-- {
		c := p.with(i, raw)
		if best.data == nil || len(c.data) < len(best.data) {
			best = c
		}
		if len(best.data)*goodRatio <= len(raw) {
			return best
		}
	}
	if len(p.dicts) < maxDicts && len(raw) > 0 {
		p.learn(raw)
		return p.with(len(p.dicts)-1, raw)
	}
	return best
}

func (p *packer) learn(raw []byte) {
	d := bytes.Clone(raw[max(0, len(raw)-dictBytes):])
	w, err := flate.NewWriterDict(io.Discard, flate.BestSpeed+1, d)
	if err != nil {
		panic(err) // only for a level out of range
	}
	p.dicts, p.next = append(p.dicts, d), append(p.next, w)
}

func (p *packer) with(i int, raw []byte) packed {
	p.buf.Reset()
	w := p.next[i]
	w.Reset(&p.buf) // keeps the dictionary
	_, _ = w.Write(raw)
	_ = w.Close()
	return packed{p.dicts[i], bytes.Clone(p.buf.Bytes())}
}

func (c packed) unpack() []byte {
	if c.data == nil {
		return nil
	}
	raw, err := io.ReadAll(flate.NewReaderDict(bytes.NewReader(c.data), c.dict))
	if err != nil {
		panic("inbox: a packed body cannot be read back: " + err.Error())
	}
	return raw
}
