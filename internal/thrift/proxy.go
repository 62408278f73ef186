package thrift

import (
	"bufio"
	"context"
	"net"
)

// Exchange is a call and its answer, as they went through a Record.
type Exchange struct {
	Call   Message
	Args   Fields
	Reply  Message
	Answer Fields
}

// Record forwards the calls of one client, which speaks TBinary or TCompact without frames, to a
// service, and shows each with its answer. It returns when either side ends.
func Record(ctx context.Context, from net.Conn, to *Client, seen func(Exchange)) error {
	r := bufio.NewReader(from)
	head, err := r.Peek(1)
	if err != nil {
		return err
	}
	proto := Binary
	if head[0] == 0x82 {
		proto = Compact
	}
	d := newDecoder(r, proto, Limits{})
	e := &encoder{sink: from}
	for {
		var x Exchange
		x.Call = d.message()
		d.any(&x.Args)
		if d.err != nil {
			return d.err
		}
		x.Reply, x.Answer, err = to.Forward(ctx, x.Call, x.Args)
		if err != nil {
			return err
		}
		seen(x)
		if x.Call.Type == Oneway {
			continue
		}
		e.proto = d.proto
		e.message(x.Reply)
		e.value(x.Answer)
		e.flush()
		if e.err != nil {
			return e.err
		}
	}
}
