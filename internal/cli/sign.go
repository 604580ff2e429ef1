package cli

import (
	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"
)

// signing is the flag --sign.
type signing struct {
	path string
	key  ssh.Signer
}

func (s *signing) bind(f *pflag.FlagSet) {
	f.StringVar(&s.path, "sign", "", "OpenSSH ed25519 key to sign the finished run with; verify "+
		"--signed-by checks it")
}

// load reads the key, before there is work to lose.
func (s *signing) load() (err error) {
	if s.path != "" {
		s.key, err = countlog.ReadKey(s.path)
	}
	return err
}

// run signs the run in a folder.
func (s *signing) run(dir string) error {
	if s.key == nil {
		return nil
	}
	return countlog.Sign(dir, s.key)
}
