package copier_test

import (
	"context"
	"fmt"
	"os"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// Days become months.
func ExampleRun() {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("block://lake/")
	src.Put("daily/2024-01-01", "one ")
	src.Put("daily/2024-01-02", "two ")
	src.Put("daily/2024-02-01", "three")
	sum, err := copier.Run(context.Background(),
		storage.Location{Bucket: src, Prefix: "daily/"},
		storage.Location{Bucket: dest, Prefix: "monthly/"},
		copier.Options{GroupBy: `.*/(\d{4}-\d\d)-\d\d`})
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
	}
	january, _ := dest.Content("monthly/2024-01")
	fmt.Fprintf(os.Stdout, "%d objects into %d; January is %q\n", sum.Objects, sum.Outputs, january)
	// Output: 3 objects into 2; January is "one two "
}

func ExamplePlan() {
	src := storagetest.NewMem("s3://lake/")
	src.Put("logs/a.gz", "12345")
	src.Put("logs/b.txt", "1234567")
	opts := copier.Options{SrcPattern: `.*\.gz`}
	for task, err := range copier.Plan(context.Background(), storage.Location{Bucket: src, Prefix: "logs/"}, opts) {
		fmt.Fprintln(os.Stdout, task.Key, task.Size(), err)
	}
	// Output: a.gz 5 <nil>
}
