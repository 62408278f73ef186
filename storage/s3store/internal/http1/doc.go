// Package http1 is an HTTP/1.1 client for many requests at once to one or a few servers: an
// [http.RoundTripper] that does with less work what stores of objects need.
//
//	t := &http1.Transport{MaxIdlePerHost: 64}
//	defer t.CloseIdleConnections()
//	resp, err := (&http.Client{Transport: t}).Do(req)
//
// The goroutine that calls RoundTrip writes the request, reads the head of the answer and later
// its body: nothing is handed from one goroutine to another, as net/http's two for each
// connection do, which for objects of some KiB costs more than everything else. The head of a
// request and the first bytes of its body leave by one system call, from where they are.
//
// # What it does not do
//
// HTTP/2, proxies, upgrades, "Expect: 100-continue", trailers, and bodies of unknown length;
// callers that need one of these use [http.Transport]. An answer that comes before the whole
// request was sent is noticed when sending fails.
//
// # What it must not know
//
// S3. It moves requests and answers.
package http1
