package duck

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/aes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/clipperhouse/uax29/v2/sentences"
	"github.com/clipperhouse/uax29/v2/words"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

func computedTextRules() map[string]rule {
	return map[string]rule{
		"aes_decrypt": inGo(aesDecrypt), "aes_encrypt": inGo(aesEncrypt), "deserialize": inGo(deserialize),
		"printf": formatRule, "sentences": sentencesRule, "in_file": inFile, "json_read": jsonRead,
		"cast_format": castFormatRule, "reflect": reflectRule,
	}
}

// sentencesRule ignores the language and country, which Unicode's rules do not need.
func sentencesRule(l *lowerer, x *analysis.Call, args []string) string {
	f := &computed{name: "sentences", args: []hivetype.Type{x.Args[0].Type()}, result: x.T,
		start: func() compute {
			return func(args []hivetype.Value) (hivetype.Value, error) { return splitSentences(args[0].(string)), nil }
		}}
	return l.compute(f, args[:1])
}

// splitSentences makes an array of words of each sentence. Words begin with a letter or digit.
func splitSentences(s string) hivetype.Value {
	list := []any{}
	for sentence := sentences.FromString(s); sentence.Next(); {
		found := []any{}
		for word := words.FromString(sentence.Value()); word.Next(); {
			for _, r := range word.Value() {
				if unicode.IsLetter(r) || unicode.IsDigit(r) {
					found = append(found, word.Value())
				}
				break
			}
		}
		if len(found) > 0 {
			list = append(list, found)
		}
	}
	return list
}

// aesKey accepts keys of 16, 24 and 32 bytes; with others the result is NULL.
func aesKey(v hivetype.Value) bool {
	n := len(bytesOf(v))
	return n == 16 || n == 24 || n == 32
}

func bytesOf(v hivetype.Value) []byte {
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	return v.([]byte)
}

// aesEncrypt is AES in ECB mode with the padding of PKCS #5, which is what Hive does. The mode
// shows which blocks are equal.
func aesEncrypt(args []hivetype.Value) (hivetype.Value, error) {
	if !aesKey(args[1]) {
		return nil, nil
	}
	block, err := aes.NewCipher(bytesOf(args[1]))
	if err != nil {
		return nil, err
	}
	text := bytes.Clone(bytesOf(args[0]))
	pad := aes.BlockSize - len(text)%aes.BlockSize
	text = append(text, bytes.Repeat([]byte{byte(pad)}, pad)...)
	for i := 0; i < len(text); i += aes.BlockSize {
		block.Encrypt(text[i:i+aes.BlockSize], text[i:i+aes.BlockSize])
	}
	return text, nil
}

func aesDecrypt(args []hivetype.Value) (hivetype.Value, error) {
	text := bytes.Clone(bytesOf(args[0]))
	if !aesKey(args[1]) || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, nil
	}
	block, err := aes.NewCipher(bytesOf(args[1]))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(text); i += aes.BlockSize {
		block.Decrypt(text[i:i+aes.BlockSize], text[i:i+aes.BlockSize])
	}
	pad := int(text[len(text)-1])
	if pad == 0 || pad > aes.BlockSize || !bytes.HasSuffix(text, bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, nil
	}
	return text[:len(text)-pad], nil
}

// deserialize undoes the compression of a notification's message.
func deserialize(args []hivetype.Value) (hivetype.Value, error) {
	if !strings.HasPrefix(strings.ToLower(args[1].(string)), "gzip") {
		return args[0], nil
	}
	packed, err := base64.StdEncoding.DecodeString(args[0].(string))
	if err != nil {
		return nil, &Error{Op: "run", Msg: "deserialize: the message is not base 64", Err: err}
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, &Error{Op: "run", Msg: "deserialize: the message is not compressed by gzip", Err: err}
	}
	text, err := io.ReadAll(io.LimitReader(r, 1<<28))
	if err != nil {
		return nil, &Error{Op: "run", Msg: "deserialize: the message is damaged", Err: err}
	}
	return string(text), nil
}

// inFile reads the lines of a file of the local disk once for each query.
func inFile(l *lowerer, x *analysis.Call, args []string) string {
	path, ok := constantText(x, 1)
	if !ok {
		return l.fail(unsupported("in_file with a path that is not a constant"))
	}
	lines, err := linesOf(path)
	if err != nil {
		return l.fail(&Error{Op: "read", Msg: "in_file: " + err.Error(), Err: err})
	}
	items := make([]string, len(lines))
	for i, s := range lines {
		items[i] = quote(s)
	}
	return "list_contains([" + strings.Join(items, ", ") + "]::VARCHAR[], " + args[0] + ")"
}

// linesOf reads at most a million lines.
func linesOf(path string) (lines []string, err error) {
	f, err := os.Open(strings.TrimPrefix(path, "file://"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	const most = 1000000
	for s := bufio.NewScanner(f); ; {
		if !s.Scan() {
			return lines, s.Err()
		}
		if lines = append(lines, s.Text()); len(lines) > most {
			return nil, fmt.Errorf("%s has more than %d lines", path, most)
		}
	}
}
