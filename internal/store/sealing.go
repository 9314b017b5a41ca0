package store

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

const (
	sealBatchRows = 500     // sealed at once by one goroutine
	copyPartRows  = 200_000 // of one COPY command, committed with it
)

// sealBatch is some rows between the reader and the COPY stream.
type sealBatch struct {
	rows   []recipientRow
	out    tuple
	plain  []byte        // of one row
	sealed chan struct{} // closed when out is complete
	err    error
}

var sealBatches = sync.Pool{New: func() any { return new(sealBatch) }}

func newSealBatch() *sealBatch {
	b := sealBatches.Get().(*sealBatch)
	b.rows, b.out, b.err, b.sealed = b.rows[:0], b.out[:0], nil, make(chan struct{})
	return b
}

// release gives the memory back, without what it held of people.
func (b *sealBatch) release() {
	clear(b.rows)
	sealBatches.Put(b)
}

// sealing runs rows through sealing goroutines into COPY, in order. What PostgreSQL cannot take makes the reader wait, so
// memory does not grow with the file.
type sealing struct {
	work, ordered chan *sealBatch
	workers       sync.WaitGroup
	done          chan struct{} // closed when the stream has ended
	copied        int64         // rows that are committed; read after done
	err           error         // read after done
}

func startSealing(ctx context.Context, conn *pgxpool.Conn, keys func() (*seal.Keys, error), table string) *sealing {
	workers := min(4, runtime.GOMAXPROCS(0))
	s := &sealing{work: make(chan *sealBatch, workers), ordered: make(chan *sealBatch, 4*workers), done: make(chan struct{})}
	for range workers {
		s.workers.Go(func() {
			var sealer *seal.Sealer
			for b := range s.work {
				sealer, b.err = current(sealer, keys)
				if b.err == nil {
					b.seal(sealer)
				}
				close(b.sealed)
			}
		})
	}
	s.workers.Go(func() {
		s.copied, s.err = copyAll(ctx, conn, table, s.ordered)
		close(s.done)
		for b := range s.ordered { // after a failure: whoever adds must not wait for ever
			<-b.sealed
			b.release()
		}
	})
	return s
}

// current is a sealer under the incident's keys, which are asked for before each batch: a destroyed key is out of use soon.
func current(s *seal.Sealer, keys func() (*seal.Keys, error)) (*seal.Sealer, error) {
	k, err := keys()
	if err != nil || s != nil && s.Keys() == k {
		return s, err
	}
	return k.Sealer("recipient"), nil
}

// add hands a batch over. It returns at once where the stream has failed; close tells why.
func (s *sealing) add(b *sealBatch) {
	select {
	case <-s.done:
		b.release()
	default:
		s.work <- b
		s.ordered <- b
	}
}

// failed reports whether the stream ended before its time.
func (s *sealing) failed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// close ends the stream and waits for it.
func (s *sealing) close() (copied int64, err error) {
	close(s.work)
	close(s.ordered)
	s.workers.Wait()
	return s.copied, s.err
}

func copyAll(ctx context.Context, conn *pgxpool.Conn, table string, batches <-chan *sealBatch) (copied int64, err error) {
	// What a crash of the server could take of the last parts is no loss: it ends this import too, and finishing one is durable.
	if _, err := conn.Exec(ctx, `set synchronous_commit = off`); err != nil {
		return 0, bare(err)
	}
	sendAhead(conn)
	sql := fmt.Sprintf(`copy %s (id, person, email, sms, push, cohort, flags, sealed) from stdin (format binary)`, table)
	for {
		part := &copyPart{batches: batches, rows: copyPartRows}
		_, err := conn.Conn().PgConn().CopyFrom(ctx, part, sql)
		if part.err != nil {
			return copied, part.err
		}
		if err != nil {
			return copied, bare(err)
		}
		copied += int64(part.took)
		if part.ended {
			return copied, nil
		}
	}
}

// sendBuffer is what may lie between us and PostgreSQL: some five milliseconds of its work, so that it does not stand still until
// the writer's turn comes again among the goroutines that read and seal.
const sendBuffer = 1 << 20

func sendAhead(conn *pgxpool.Conn) {
	c := conn.Conn().PgConn().Conn()
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	if c, ok := c.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = c.SetWriteBuffer(sendBuffer) // the system gives what it allows
	}
}

// seal writes the batch's rows as COPY takes them. The recipients of one person follow each other, so the index of the one before
// serves the next.
func (b *sealBatch) seal(s *seal.Sealer) {
	var person [seal.BlindSize]byte
	identity := ""
	for i := range b.rows {
		r := &b.rows[i]
		if r.identity != identity || i == 0 {
			s.AppendBlind(person[:0], "person", r.identity)
			identity = r.identity
		}
		b.plain = r.secret.append(b.plain[:0])
		b.out.begin(8)
		b.out.int64(r.id)
		b.out.bytes(person[:])
		b.out.blind(s, string(breach.Email), r.secret.Email)
		b.out.blind(s, string(breach.SMS), r.secret.Phone)
		b.out.blind(s, string(breach.Push), r.secret.Push)
		b.out.int32(r.cohort)
		b.out.int16(r.flags)
		b.out = binary.BigEndian.AppendUint32(b.out, uint32(seal.Overhead+len(b.plain)))
		b.out = s.AppendSealed(b.out, r.id, b.plain)
		clear(b.plain)
	}
}

// blind writes a value's blind index; null for no value.
func (t *tuple) blind(s *seal.Sealer, kind, value string) {
	if value == "" {
		t.bytes(nil)
		return
	}
	*t = binary.BigEndian.AppendUint32(*t, seal.BlindSize)
	*t = s.AppendBlind(*t, kind, value)
}
