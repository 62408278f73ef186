package duck

import (
	"context"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
)

func (e *Executor) Write(ctx context.Context, q *analysis.Query, src hiveql.Source, out hiveql.Output) ([]hiveql.Written, error) {
	return nil, unsupported("INSERT")
}
