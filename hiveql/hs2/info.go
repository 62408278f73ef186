package hs2

import (
	"context"
	"fmt"
)

// Kinds of information that GetInfo is asked for, of those of CLI_ in the protocol.
const (
	infoServerName    int32 = 13
	infoPatternEscape int32 = 14
	infoDBMSName      int32 = 17
	infoDBMSVersion   int32 = 18
	infoQuote         int32 = 29
	infoColumnLen     int32 = 30
	infoSchemaLen     int32 = 32
	infoTableLen      int32 = 35
	infoUser          int32 = 47
	infoKeywords      int32 = 10006
)

// keywords are reserved in Hive, and not in SQL:2003, in alphabetical order.
const keywords = "AUTHORIZATION,BINARY,CACHE,CONF,DATABASE,DATABASES,EXCHANGE,EXTENDED,IMPORT,LATERAL,LESS,MACRO,MORE," +
	"OFFSET,ONLY,PARTIALSCAN,PERCENT,PLUS,PRESERVE,REDUCE,REGEXP,RLIKE,SHOW,TABLESAMPLE,TRANSFORM,USER,UTC_TIMESTAMP,VIEWS"

func (s *Service) getInfo(_ context.Context, a *call[infoRequest]) (infoReply, error) {
	ses, err := s.session(a.Req.Session)
	if err != nil {
		return infoReply{Status: failed(err)}, nil
	}
	const nameLen = int64(128)
	length := func(n int64) infoValue { return infoValue{Long: &n} }
	word := func(t string) infoValue { return infoValue{Text: &t} }
	r := infoReply{Status: status{Code: statusSuccess}}
	switch a.Req.Type {
	case infoServerName:
		r.Value = word("Hive")
	case infoDBMSName:
		r.Value = word("Apache Hive")
	case infoDBMSVersion:
		r.Value = word(s.Version)
	case infoPatternEscape:
		r.Value = word(`\`)
	case infoQuote:
		r.Value = word("`")
	case infoUser:
		r.Value = word(ses.user)
	case infoColumnLen, infoSchemaLen, infoTableLen:
		r.Value = length(nameLen)
	case infoKeywords:
		r.Value = word(keywords)
	default:
		r.Status = failed(inHive(fmt.Sprintf("Unrecognized GetInfoType value: %d", a.Req.Type)))
		r.Value = word("")
	}
	return r, nil
}
