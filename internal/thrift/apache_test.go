package thrift_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	apache "github.com/apache/thrift/lib/go/thrift"

	"github.com/skepdata/skep/internal/thrift"
)

// apacheStruct lets the Thrift project's own library write and read structs of ours.
type apacheStruct struct{ fields thrift.Fields }

func (s *apacheStruct) Write(ctx context.Context, p apache.TProtocol) error {
	if err := p.WriteStructBegin(ctx, ""); err != nil {
		return err
	}
	for _, f := range s.fields {
		if err := p.WriteFieldBegin(ctx, "", apache.TType(f.Type), f.ID); err != nil {
			return err
		}
		if err := apacheWrite(ctx, p, f.Type, f.Value); err != nil {
			return err
		}
		if err := p.WriteFieldEnd(ctx); err != nil {
			return err
		}
	}
	if err := p.WriteFieldStop(ctx); err != nil {
		return err
	}
	return p.WriteStructEnd(ctx)
}

func apacheWrite(ctx context.Context, p apache.TProtocol, t thrift.Type, v thrift.Value) error {
	switch v := v.(type) {
	case bool:
		return p.WriteBool(ctx, v)
	case int8:
		return p.WriteByte(ctx, v)
	case int16:
		return p.WriteI16(ctx, v)
	case int32:
		return p.WriteI32(ctx, v)
	case int64:
		return p.WriteI64(ctx, v)
	case float64:
		return p.WriteDouble(ctx, v)
	case []byte:
		return p.WriteBinary(ctx, v)
	case thrift.Fields:
		return (&apacheStruct{v}).Write(ctx, p)
	case thrift.Items:
		return apacheWriteItems(ctx, p, t, v)
	case thrift.Entries:
		if err := p.WriteMapBegin(ctx, apache.TType(v.Key), apache.TType(v.Value), len(v.Pairs)); err != nil {
			return err
		}
		for _, pair := range v.Pairs {
			if err := apacheWrite(ctx, p, v.Key, pair.Key); err != nil {
				return err
			}
			if err := apacheWrite(ctx, p, v.Value, pair.Value); err != nil {
				return err
			}
		}
		return p.WriteMapEnd(ctx)
	}
	return fmt.Errorf("no value: %T", v)
}

func apacheWriteItems(ctx context.Context, p apache.TProtocol, t thrift.Type, v thrift.Items) error {
	begin, end := p.WriteListBegin, p.WriteListEnd
	if t == thrift.Set {
		begin, end = p.WriteSetBegin, p.WriteSetEnd
	}
	if err := begin(ctx, apache.TType(v.Type), len(v.Values)); err != nil {
		return err
	}
	for _, item := range v.Values {
		if err := apacheWrite(ctx, p, v.Type, item); err != nil {
			return err
		}
	}
	return end(ctx)
}

func (s *apacheStruct) Read(ctx context.Context, p apache.TProtocol) error {
	if _, err := p.ReadStructBegin(ctx); err != nil {
		return err
	}
	s.fields = thrift.Fields{}
	for {
		_, t, id, err := p.ReadFieldBegin(ctx)
		if err != nil {
			return err
		}
		if t == apache.STOP {
			return p.ReadStructEnd(ctx)
		}
		v, err := apacheRead(ctx, p, thrift.Type(t))
		if err != nil {
			return err
		}
		s.fields = append(s.fields, thrift.Field{ID: id, Type: thrift.Type(t), Value: v})
		if err := p.ReadFieldEnd(ctx); err != nil {
			return err
		}
	}
}

func apacheRead(ctx context.Context, p apache.TProtocol, t thrift.Type) (thrift.Value, error) {
	switch t {
	case thrift.Bool:
		return p.ReadBool(ctx)
	case thrift.Byte:
		return p.ReadByte(ctx)
	case thrift.I16:
		return p.ReadI16(ctx)
	case thrift.I32:
		return p.ReadI32(ctx)
	case thrift.I64:
		return p.ReadI64(ctx)
	case thrift.Double:
		return p.ReadDouble(ctx)
	case thrift.String:
		return p.ReadBinary(ctx)
	case thrift.Struct:
		var s apacheStruct
		err := s.Read(ctx, p)
		return s.fields, err
	case thrift.List, thrift.Set:
		begin, end := p.ReadListBegin, p.ReadListEnd
		if t == thrift.Set {
			begin, end = p.ReadSetBegin, p.ReadSetEnd
		}
		elem, n, err := begin(ctx)
		items := thrift.Items{Type: thrift.Type(elem), Values: []thrift.Value{}}
		for i := 0; i < n && err == nil; i++ {
			var v thrift.Value
			v, err = apacheRead(ctx, p, items.Type)
			items.Values = append(items.Values, v)
		}
		if err != nil {
			return nil, err
		}
		return items, end(ctx)
	case thrift.Map:
		key, value, n, err := p.ReadMapBegin(ctx)
		m := thrift.Entries{Key: thrift.Type(key), Value: thrift.Type(value), Pairs: []thrift.Entry{}}
		for i := 0; i < n && err == nil; i++ {
			var e thrift.Entry
			if e.Key, err = apacheRead(ctx, p, m.Key); err == nil {
				e.Value, err = apacheRead(ctx, p, m.Value)
			}
			m.Pairs = append(m.Pairs, e)
		}
		if err != nil {
			return nil, err
		}
		return m, p.ReadMapEnd(ctx)
	}
	return nil, fmt.Errorf("no type: %s", t)
}

// random makes structs that use all there is.
type random struct{ *rand.Rand }

var anyType = []thrift.Type{
	thrift.Bool, thrift.Byte, thrift.I16, thrift.I32, thrift.I64, thrift.Double, thrift.String,
	thrift.Struct, thrift.List, thrift.Set, thrift.Map,
}

func (r random) kind(depth int) thrift.Type {
	if depth == 0 {
		return anyType[r.IntN(7)]
	}
	return anyType[r.IntN(len(anyType))]
}

func (r random) fields(depth int) thrift.Fields {
	fields := thrift.Fields{}
	id := int16(r.IntN(4) - 2)
	for range r.IntN(8) {
		t := r.kind(depth)
		fields = append(fields, thrift.Field{ID: id, Type: t, Value: r.value(t, depth)})
		id += int16(1 + r.IntN(3)*r.IntN(30))
	}
	return fields
}

func (r random) value(t thrift.Type, depth int) thrift.Value {
	switch t {
	case thrift.Bool:
		return r.IntN(2) == 0
	case thrift.Byte:
		return int8(r.Uint64())
	case thrift.I16:
		return int16(r.Uint64())
	case thrift.I32:
		return int32(r.Uint64() >> r.IntN(32))
	case thrift.I64:
		return int64(r.Uint64() >> r.IntN(64))
	case thrift.Double:
		return r.NormFloat64()
	case thrift.String:
		b := make([]byte, r.IntN(20)*r.IntN(20))
		for i := range b {
			b[i] = byte(r.Uint64())
		}
		return b
	case thrift.Struct:
		return r.fields(depth - 1)
	case thrift.Map:
		m := thrift.Entries{Pairs: []thrift.Entry{}}
		if n := r.IntN(5); n > 0 { // TCompact does not say what an empty map would hold
			m.Key, m.Value = r.kind(0), r.kind(depth-1)
			for range n {
				m.Pairs = append(m.Pairs, thrift.Entry{Key: r.value(m.Key, 0), Value: r.value(m.Value, depth-1)})
			}
		}
		return m
	}
	items := thrift.Items{Type: r.kind(depth - 1), Values: []thrift.Value{}}
	for range r.IntN(18) {
		items.Values = append(items.Values, r.value(items.Type, depth-1))
	}
	return items
}

// TestAgainstApache: both libraries make the same bytes of the same values, and read each
// other's.
func TestAgainstApache(t *testing.T) {
	ctx := t.Context()
	factories := map[thrift.Protocol]apache.TProtocolFactory{
		thrift.Binary: apache.NewTBinaryProtocolFactoryConf(nil), thrift.Compact: apache.NewTCompactProtocolFactoryConf(nil),
	}
	for seed := range uint64(500) {
		want := random{rand.New(rand.NewPCG(seed, 0))}.fields(3)
		for p, factory := range factories {
			ours, err := thrift.Marshal(want, p)
			if err != nil {
				t.Fatal(err)
			}
			buf := apache.NewTMemoryBuffer()
			proto := factory.GetProtocol(buf)
			if err := (&apacheStruct{want}).Write(ctx, proto); err != nil {
				t.Fatal(err)
			}
			if err := proto.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if theirs := buf.Bytes(); string(ours) != string(theirs) {
				t.Fatalf("seed %d, %s:\nours   %x\ntheirs %x", seed, p, ours, theirs)
			}
			var got thrift.Fields
			if err := thrift.Unmarshal(ours, &got, p, thrift.Limits{}); err != nil || !thrift.Equal(got, want) {
				t.Fatalf("seed %d, %s: %v, we read\n%v, not\n%v", seed, p, err, got, want)
			}
			var read apacheStruct
			if err := read.Read(ctx, factory.GetProtocol(buf)); err != nil || !reflect.DeepEqual(read.fields, want) {
				t.Fatalf("seed %d, %s: %v, they read\n%v, not\n%v", seed, p, err, read.fields, want)
			}
		}
	}
}
