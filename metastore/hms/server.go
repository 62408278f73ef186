package hms

import (
	"context"
	"fmt"
	"os"
	"regexp"

	"github.com/skepdata/skep/internal/thrift"
)

// The settings that clients ask for whose answer is not what they propose.
var settings = map[string]string{
	// With true, Spark takes an error of a filter for an error; with false it would silently read
	// all partitions.
	"hive.metastore.try.direct.sql":        "true",
	"hive.metastore.try.direct.sql.ddl":    "true",
	"hive.metastore.integral.jdo.pushdown": "true",
}

// readableSetting are the names that get_config_value may be asked for.
var readableSetting = regexp.MustCompile(`^(hive|mapred|mapreduce|hdfs|metastore|fs|dfs)\.`)

// addServer adds the methods that are about the server and the connection.
func (s *Service) addServer(t *thrift.Service) {
	thrift.Handle(t, "set_ugi", func(ctx context.Context, a *struct {
		User   string   `thrift:"1"`
		Groups []string `thrift:"2"`
	}) ([]string, error) {
		thrift.ConnOf(ctx).Claim(a.User)
		return append([]string{a.User}, a.Groups...), nil
	}, throwsM...)
	thrift.Handle(t, "get_config_value", func(_ context.Context, a *struct {
		Name    string `thrift:"1"`
		Default string `thrift:"2"`
	}) (string, error) {
		if !readableSetting.MatchString(a.Name) {
			return "", &configSecurity{fmt.Sprintf(
				"For security reasons, the config key %s cannot be accessed", a.Name)}
		}
		if v, ok := settings[a.Name]; ok {
			return v, nil
		}
		return a.Default, nil
	}, &configSecurity{})
	thrift.Handle(t, "getMetaConf", func(_ context.Context, a *oneName) (string, error) {
		if v, ok := settings[a.Name]; ok {
			return v, nil
		}
		return "", metaf("Invalid configuration key %s", a.Name)
	}, throwsM...)
	thrift.Handle(t, "setMetaConf", func(_ context.Context, a *struct {
		Key   string `thrift:"1"`
		Value string `thrift:"2"`
	}) (thrift.Void, error) {
		if v, ok := settings[a.Key]; !ok {
			return thrift.Void{}, metaf("Invalid configuration key %s", a.Key)
		} else if v != a.Value {
			return thrift.Void{}, metaf("%s is always %s here", a.Key, v)
		}
		return thrift.Void{}, nil
	}, throwsM...)
	thrift.Handle(t, "get_metastore_db_uuid", func(ctx context.Context, _ *noArgs) (string, error) {
		id, err := s.store(ctx).UUID(ctx)
		if err != nil || len(id) != 32 {
			return id, err
		}
		return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:], nil
	}, throwsM...)
	s.addFacebook(t)
}

// addFacebook adds the methods of fb303, which every service of Thrift had once.
func (s *Service) addFacebook(t *thrift.Service) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	text := func(name, value string) {
		thrift.Handle(t, name, func(context.Context, *noArgs) (string, error) { return value, nil })
	}
	text("getName", "hive metastore on "+host)
	text("getVersion", s.Version)
	text("getStatusDetails", "")
	text("getCpuProfile", "")
	thrift.Handle(t, "getStatus", func(context.Context, *noArgs) (int32, error) { return 2, nil }) // alive
	thrift.Handle(t, "aliveSince", func(context.Context, *noArgs) (int64, error) { return s.started.Unix(), nil })
	thrift.Handle(t, "getCounters", func(context.Context, *noArgs) (map[string]int64, error) { return nil, nil })
	thrift.Handle(t, "getOptions", func(context.Context, *noArgs) (map[string]string, error) { return nil, nil })
	nothing := func(context.Context, *noArgs) (thrift.Void, error) { return thrift.Void{}, nil }
	thrift.Handle(t, "shutdown", nothing) // clients say it when they leave
	thrift.Handle(t, "reinitialize", nothing)
	thrift.Handle(t, "flushCache", nothing)
}
