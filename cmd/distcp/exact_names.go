package main

import "unicode/utf8"

// urlJSON is the URL of a line in JSON, which is UTF-8, as names of local files and in block stores
// need not be. Each byte that is none is shown as \ufffd, and all bytes, in base64, are told then.
type urlJSON struct {
	URL      string `json:"url,omitempty"`
	URLBytes []byte `json:"urlBytes,omitempty"`
}

func urlInJSON(url string) urlJSON { return urlJSON{url, inexact(url)} }

// keyJSON is the key of a line likewise.
type keyJSON struct {
	Key      string `json:"key"`
	KeyBytes []byte `json:"keyBytes,omitempty"`
}

func keyInJSON(key string) keyJSON { return keyJSON{key, inexact(key)} }

// inexact are the bytes of a text that JSON cannot hold, or nil.
func inexact(text string) []byte {
	if utf8.ValidString(text) {
		return nil
	}
	return []byte(text)
}
