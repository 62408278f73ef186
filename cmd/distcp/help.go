package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
)

const usageText = `Usage:
  distcp --src URL --dest URL [options]    copy
  distcp ls [-R] [-h] URL...               list objects and directories
  distcp cat URL...                        print objects
  distcp stat URL...                       print what is known of objects
  distcp checksum [-R] URL...              print CRC32C, without reading where the store knows it
  distcp du [-h] [--depth N] URL...        count objects and bytes
  distcp rm [--recursive] URL...           delete objects
  distcp mv SRC... DEST                    move objects and directories
  distcp verify SRC DEST                   compare names, sizes and checksums; one of
                                           the two may be a manifest, NAME.gz
  distcp mkvolume block://NAME             make a volume of the block store, or change its settings
  distcp volumes [-h]                      list the volumes
  distcp rmvolume [--recursive] block://NAME
  distcp snapshot create|rm block://VOLUME@NAME
  distcp snapshot list block://VOLUME
  distcp diff block://VOLUME@OLD block://VOLUME@NEW
                                           list what has changed between two snapshots
  distcp df [-h]                           list the disks of the block store
  distcp setrep NUMBER block://VOLUME[/DIRECTORY/]...
                                           keep blocks on so many disks
  distcp fsck [--repair] [--deep] [block://VOLUME[/PATH]]
                                           look for damage in the block store, and repair it
  distcp fsck --rebuild                    make a lost namespace anew
  distcp balance                           fill all disks about as much
  distcp decommission DIRECTORY            drain a disk
  distcp jobs ls|show NAME|rm NAME         tell of jobs, forget one
  distcp limit JOB [--bandwidth RATE]      change the rates of a running job
  distcp completion bash|zsh|fish          print a completion script
  distcp man                               print the manual page
  distcp help [command]

URLs: s3://bucket/prefix (s3a, s3n), block://volume/path, file:///path or a plain path,
hdfs:///path where SKEP_DEFAULT_FS says what stands for it.
`

const exitText = `
Exit codes:
  0    everything is done
  1    an error ended it, or not all of what was to be printed or recorded could be; or verify
       has found differences
  2    the command line makes no sense, or a place, bucket or file that it names is not there;
       a copy has done nothing then, others what stands before it
  3    some files failed, the others are done
  4    a precondition is not met: --precondition, the previous manifest, the job is running
  130  interrupted
`

// printHelp prints the help of a verb, or of the program for an empty synopsis.
func (c *command) printHelp(f *pflag.FlagSet, synopsis string) error {
	text := usageText + "\nOptions of a copy (also --opt=value):\n"
	if synopsis != copySynopsis {
		text = fmt.Sprintf("Usage: distcp %s\n\nOptions:\n", synopsis)
	}
	_, err := fmt.Fprint(c.stdout, text+f.FlagUsagesWrapped(100)+"      --help   print this text\n"+exitText)
	return err
}

func (c *command) help(ctx context.Context, args []string) error {
	verbs := c.verbs()
	verbs["help"], verbs["copy"] = c.copy, c.copy
	verb := c.copy
	if len(args) > 0 {
		v, ok := verbs[args[0]]
		if !ok || len(args) > 1 {
			return usagef("there is no command %q", args[0])
		}
		verb = v
	}
	return verb(ctx, []string{"--help"})
}
