package thrift_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	apache "github.com/apache/thrift/lib/go/thrift"

	"github.com/skepdata/skep/internal/thrift"
)

// certificate makes a server's certificate, and a pool that trusts it.
func certificate(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool}
}

// way is one way for a client of the Thrift project's own library to speak with us.
type way struct {
	name      string
	transport func(t *testing.T, addr string, secure *tls.Config) apache.TTransport
	protocol  func(apache.TTransport) apache.TProtocol
	user      string // as whom the server knows it
}

func ways() []way {
	plain := func(t *testing.T, addr string, _ *tls.Config) apache.TTransport {
		return opened(t, apache.NewTSocketConf(addr, nil))
	}
	buffered := func(t *testing.T, addr string, secure *tls.Config) apache.TTransport {
		return apache.NewTBufferedTransport(plain(t, addr, secure), 4096)
	}
	framed := func(t *testing.T, addr string, secure *tls.Config) apache.TTransport {
		return apache.NewTFramedTransportConf(plain(t, addr, secure), nil)
	}
	secured := func(t *testing.T, addr string, secure *tls.Config) apache.TTransport {
		return opened(t, apache.NewTSSLSocketConf(addr, &apache.TConfiguration{TLSConfig: secure}))
	}
	web := func(t *testing.T, addr string, _ *tls.Config) apache.TTransport {
		c, err := apache.NewTHttpClient("http://ann:secret@" + addr + "/metastore")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	webTLS := func(t *testing.T, addr string, secure *tls.Config) apache.TTransport {
		c, err := apache.NewTHttpClientWithOptions("https://"+addr+"/", apache.THttpClientOptions{
			Client: &http.Client{Transport: &http.Transport{TLSClientConfig: secure}},
		})
		if err != nil {
			t.Fatal(err)
		}
		c.(*apache.THttpClient).SetHeader("X-Actor-Username", "bob")
		return c
	}
	binary := func(tr apache.TTransport) apache.TProtocol { return apache.NewTBinaryProtocolConf(tr, nil) }
	old := func(tr apache.TTransport) apache.TProtocol {
		no := false
		return apache.NewTBinaryProtocolConf(tr, &apache.TConfiguration{
			TBinaryStrictRead: &no, TBinaryStrictWrite: &no,
		})
	}
	compact := func(tr apache.TTransport) apache.TProtocol { return apache.NewTCompactProtocolConf(tr, nil) }
	return []way{
		{"binary", plain, binary, ""},
		{"binary buffered", buffered, binary, ""},
		{"binary framed", framed, binary, ""},
		{"binary, not strict", buffered, old, ""},
		{"binary, not strict, framed", framed, old, ""},
		{"compact", buffered, compact, ""},
		{"compact framed", framed, compact, ""},
		{"TLS", secured, binary, ""},
		{"TLS, compact", secured, compact, ""},
		{"HTTP", web, binary, "ann"},
		{"HTTP, compact", web, compact, "ann"},
		{"HTTPS", webTLS, binary, "bob"},
	}
}

func opened(t *testing.T, tr apache.TTransport) apache.TTransport {
	t.Helper()
	if err := tr.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// TestWays: whatever a client speaks, on one port.
func TestWays(t *testing.T) {
	server, secure := certificate(t)
	addr := start(t, &thrift.Server{TLS: server})
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			proto := way.protocol(way.transport(t, addr, secure))
			client := apache.NewTStandardClient(proto, proto)
			call := func(method string, args thrift.Fields) (thrift.Fields, error) {
				var result apacheStruct
				_, err := client.Call(t.Context(), method, &apacheStruct{args}, &result)
				return result.fields, err
			}
			checkCalls(t, call, "hello you of "+way.user)
		})
	}
}

func checkCalls(t *testing.T, call func(string, thrift.Fields) (thrift.Fields, error), hello string) {
	t.Helper()
	for range 2 {
		got, err := call("greet", text(1, "you"))
		if err != nil || !thrift.Equal(got, text(0, hello)) {
			t.Fatalf("%v, %v", got, err)
		}
	}
	for name, want := range map[string]thrift.Fields{
		"nobody":  {{ID: 1, Type: thrift.Struct, Value: text(1, "nobody is here")}},
		"trouble": {{ID: 2, Type: thrift.Struct, Value: text(1, "some trouble")}},
	} {
		if got, err := call("greet", text(1, name)); err != nil || !thrift.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := call("nothing", nil); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	var app apache.TApplicationException
	if _, err := call("missing", text(1, "you")); !errors.As(err, &app) ||
		app.TypeId() != apache.UNKNOWN_METHOD || app.Error() != "Invalid method name: 'missing'" {
		t.Errorf("%v", err)
	}
	if _, err := call("greet", text(1, "panic")); !errors.As(err, &app) || app.TypeId() != apache.INTERNAL_ERROR {
		t.Errorf("%v", err)
	}
	// Longer than a spool keeps in memory.
	const n = 6000
	got, err := call("count", thrift.Fields{{ID: 1, Type: thrift.I32, Value: int32(n)}})
	if err != nil || len(got) != 1 {
		t.Fatalf("%d fields, %v", len(got), err)
	}
	items := got[0].Value.(thrift.Items).Values
	if len(items) != n || items[n-1].(thrift.Fields)[1].Value != int64(n-1) {
		t.Errorf("%d elements", len(items))
	}
}
