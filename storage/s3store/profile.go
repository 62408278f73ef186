package s3store

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ConfigFromEnv is the configuration that Amazon's own tools would find: environment
// variables first, then the profile in the shared credentials and config files.
//
//	AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//	AWS_REGION, AWS_DEFAULT_REGION
//	AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
//	AWS_CA_BUNDLE
//	AWS_PROFILE, AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE
//
// A profile that is not empty takes the place of AWS_PROFILE and then, as with Amazon's
// tools, of the keys in the environment; unlike there also of the region, the endpoint and the
// authorities there, for those that have different ones for each side of a copy. What is set
// nowhere is left empty. Profiles that get their credentials by a role or by SSO are not
// supported yet and say so.
func ConfigFromEnv(getenv func(string) string, profile string) (Config, error) {
	var c Config
	own, named := profile != "", profile != ""
	if !named {
		c.AccessKey, c.SecretKey = getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
		c.SessionToken = getenv("AWS_SESSION_TOKEN")
		if (c.AccessKey == "") != (c.SecretKey == "") {
			return Config{}, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together, and only one is set")
		}
		profile = cmp.Or(getenv("AWS_PROFILE"), getenv("AWS_DEFAULT_PROFILE"))
		named = profile != ""
	}
	p, err := readProfile(getenv, cmp.Or(profile, "default"), named)
	if err != nil {
		return Config{}, err
	}
	if c.AccessKey == "" {
		if err := p.credentials(&c); err != nil {
			return Config{}, err
		}
	}
	endpoint := cmp.Or(p.service["s3.endpoint_url"], p.values["s3.endpoint_url"], p.values["endpoint_url"])
	if strings.EqualFold(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		endpoint = ""
	}
	first := func(ofProfile string, names ...string) string {
		if own && ofProfile != "" {
			return ofProfile
		}
		for _, name := range names {
			if v := getenv(name); v != "" {
				return v
			}
		}
		return ofProfile
	}
	c.Region = first(p.values["region"], "AWS_REGION", "AWS_DEFAULT_REGION")
	c.CAFile = first(p.values["ca_bundle"], "AWS_CA_BUNDLE")
	c.Endpoint = first(endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
	switch style := p.values["s3.addressing_style"]; style {
	case "", "auto":
	case "path", "virtual":
		c.Addressing = Addressing(style)
	default:
		return Config{}, fmt.Errorf("profile %s in %s: addressing_style %q: want auto, path or virtual",
			p.name, p.from, style)
	}
	return c, nil
}

// profile is one profile of the shared files, with the services section it refers to.
type profile struct {
	name    string
	from    string // the files it was looked for in
	values  map[string]string
	service map[string]string
}

// readProfile merges the profile's sections of both files. That there are no files, or no
// such profile, is an error only if somebody has named it.
func readProfile(getenv func(string) string, name string, named bool) (profile, error) {
	home := getenv("HOME")
	credentialsPath := cmp.Or(getenv("AWS_SHARED_CREDENTIALS_FILE"), underHome(home, ".aws", "credentials"))
	configPath := cmp.Or(getenv("AWS_CONFIG_FILE"), underHome(home, ".aws", "config"))
	credentials, err := readSharedFile(credentialsPath)
	if err != nil {
		return profile{}, err
	}
	config, err := readSharedFile(configPath)
	if err != nil {
		return profile{}, err
	}
	p := profile{name: name, from: credentialsPath + " and " + configPath, values: map[string]string{}}
	found := false
	for _, section := range []map[string]string{config["profile "+name], config[name], credentials[name]} {
		found = found || section != nil
		for k, v := range section {
			p.values[k] = v // of the credentials file rather than of the other
		}
	}
	if !found && named {
		return profile{}, fmt.Errorf("there is no profile %q in %s; AWS_PROFILE, or an option, names it", name, p.from)
	}
	if services := p.values["services"]; services != "" {
		p.service = config["services "+services]
	}
	return p, nil
}

func underHome(home string, elem ...string) string {
	if home == "" {
		return ""
	}
	return filepath.Join(append([]string{home}, elem...)...)
}

// credentials sets the profile's own keys, or who gives them, if it has any.
func (p profile) credentials(c *Config) error {
	c.AccessKey, c.SecretKey, c.SessionToken = p.values["aws_access_key_id"], p.values["aws_secret_access_key"], p.values["aws_session_token"]
	switch {
	case (c.AccessKey == "") != (c.SecretKey == ""):
		return fmt.Errorf("profile %s in %s: aws_access_key_id and aws_secret_access_key belong together", p.name, p.from)
	case c.AccessKey != "":
		return nil
	}
	c.SessionToken = ""
	for _, k := range []string{"role_arn", "sso_session", "sso_start_url", "web_identity_token_file", "login_session"} {
		if p.values[k] != "" {
			return fmt.Errorf("profile %s in %s: credentials by %s are not supported yet; "+
				"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "+
				"which `aws configure export-credentials --format env` prints, "+
				"or credential_process = aws configure export-credentials --profile %s, in a profile of another name, which renews them",
				p.name, p.from, k, p.name)
		}
	}
	c.Process = p.values["credential_process"]
	return nil
}

// readSharedFile reads one of the shared files. A missing one is empty.
func readSharedFile(path string) (map[string]map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sections, err := parseSharedFile(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return sections, nil
}

// parseSharedFile reads sections of "key = value" lines. Indented lines below a key without
// a value belong to it: "s3.addressing_style". Errors begin with the number of the line and
// do not repeat it, for it may hold a secret.
func parseSharedFile(text []byte) (map[string]map[string]string, error) {
	sections := map[string]map[string]string{}
	var section map[string]string
	parent := ""
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			name, _, ok := strings.Cut(line[1:], "]")
			if !ok {
				return nil, fmt.Errorf("%d: the section's name does not end in ]", n)
			}
			name = strings.Join(strings.Fields(name), " ")
			if sections[name] == nil {
				sections[name] = map[string]string{}
			}
			section, parent = sections[name], ""
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("%d: want a [section] or key = value", n)
		}
		if section == nil {
			return nil, fmt.Errorf("%d: a key before the first [section]", n)
		}
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		indented := strings.ContainsRune(" \t", rune(lines.Text()[0]))
		switch {
		case indented && parent != "":
			key = parent + "." + key
		case value == "":
			parent = key
		default:
			parent = ""
		}
		section[key] = value
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("1: %w", err)
	}
	return sections, nil
}
