package hs2_test

import (
	"net"
	"strconv"
	"testing"

	apache "github.com/apache/thrift/lib/go/thrift"
	"github.com/beltran/gohive/hiveserver"
)

// client is the generated client of the protocol.
type client struct {
	*hiveserver.TCLIServiceClient
	t         *testing.T
	transport apache.TTransport
}

func newClient(t *testing.T, host string, port int) *client {
	t.Helper()
	conf := &apache.TConfiguration{}
	transport := apache.NewTBufferedTransport(apache.NewTSocketConf(net.JoinHostPort(host, strconv.Itoa(port)), conf), 4096)
	if err := transport.Open(); err != nil {
		t.Fatal(err)
	}
	factory := apache.NewTBinaryProtocolFactoryConf(conf)
	return &client{hiveserver.NewTCLIServiceClientFactory(transport, factory), t, transport}
}

// fine fails the test on an answer that is an error.
func (c *client) fine(status *hiveserver.TStatus, err error) {
	c.t.Helper()
	if err != nil || status.GetStatusCode() != hiveserver.TStatusCode_SUCCESS_STATUS {
		c.t.Fatalf("%v %v", status, err)
	}
}

func (c *client) open(version hiveserver.TProtocolVersion) *hiveserver.TSessionHandle {
	c.t.Helper()
	r, err := c.OpenSession(c.t.Context(), &hiveserver.TOpenSessionReq{ClientProtocol: version})
	c.fine(r.GetStatus(), err)
	if r.ServerProtocolVersion != version {
		c.t.Fatalf("asked for %v, got %v", version, r.ServerProtocolVersion)
	}
	return r.SessionHandle
}

func (c *client) close(s *hiveserver.TSessionHandle) {
	c.t.Helper()
	r, err := c.CloseSession(c.t.Context(), &hiveserver.TCloseSessionReq{SessionHandle: s})
	c.fine(r.GetStatus(), err)
}

func (c *client) begin(s *hiveserver.TSessionHandle, statement string, timeout int64) *hiveserver.TOperationHandle {
	c.t.Helper()
	r, err := c.ExecuteStatement(c.t.Context(), &hiveserver.TExecuteStatementReq{
		SessionHandle: s, Statement: statement, RunAsync: true, QueryTimeout: timeout,
	})
	c.fine(r.GetStatus(), err)
	return r.OperationHandle
}

func (c *client) status(op *hiveserver.TOperationHandle) *hiveserver.TGetOperationStatusResp {
	c.t.Helper()
	r, err := c.GetOperationStatus(c.t.Context(), &hiveserver.TGetOperationStatusReq{OperationHandle: op})
	c.fine(r.GetStatus(), err)
	return r
}

func (c *client) fetch(op *hiveserver.TOperationHandle, way hiveserver.TFetchOrientation, n int64) *hiveserver.TRowSet {
	c.t.Helper()
	r, err := c.FetchResults(c.t.Context(), &hiveserver.TFetchResultsReq{OperationHandle: op, Orientation: way, MaxRows: n})
	c.fine(r.GetStatus(), err)
	return r.Results
}
