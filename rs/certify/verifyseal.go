package certify

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"golang.org/x/crypto/ssh"
)

// verifySeal compares a log in a folder, of so many rows, with its seal.
func (r *Run) verifySeal(v *Verification, log *countlog.Log, dir string, rows int) error {
	seal, err := log.CheckSeal()
	switch path := filepath.Join(dir, countlog.SealFile); {
	case err != nil:
		return err
	case seal == nil:
		v.note("%s: there is none: an older version wrote this run, or the seal was taken away: a "+
			"changed row is found only where it is drawn again", path)
	case seal.Rows < rows:
		r.unsealed = path
		v.note("%s: %d of %d rows: sampling goes on or was killed, and the others have no seal yet",
			path, seal.Rows, rows)
	default:
		v.checked("%s: the settings and %d rows are those that were written", path, rows)
		if n := len(seal.Shards); n > 0 {
			v.checked("%s: the seals of %d merged runs fit the rows", path, n)
		}
	}
	return nil
}

// VerifySignature checks who signed the seals of the run and of its tuning images, after
// [Run.VerifyLog]. The signer must have the public key in the file by. Where by is empty,
// VerifySignature says which key signed, if any.
func (r *Run) VerifySignature(by string) (v *Verification, err error) {
	v = &Verification{}
	dirs := []string{r.Dir}
	if tuning := filepath.Join(r.Dir, countlog.TuningFolder); exists(tuning) {
		dirs = append(dirs, tuning)
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, countlog.SignatureFile)
		key, err := countlog.SignedBy(dir)
		switch {
		case err != nil:
			return v, err
		case key == nil && by != "":
			return v, fmt.Errorf("%s: there is none: nobody signed the run", path)
		case by != "" && r.unsealed != "":
			return v, fmt.Errorf("%s: no signature covers all rows: sample again", r.unsealed)
		case key == nil:
			v.note("%s isn't signed: whoever can write the folder can change rows and settings and make "+
				"the seal again. Only what was computed again from the model and the data, and the "+
				"rows that were drawn again, are certain", dir)
			return v, nil
		}
		name := key.Type() + " " + ssh.FingerprintSHA256(key)
		if by == "" {
			v.note("%s: signed by the key %s; --signed-by says whose it must be", path, name)
			continue
		}
		want, err := countlog.ReadPublicKey(by)
		if err != nil {
			return v, err
		}
		if !bytes.Equal(key.Marshal(), want.Marshal()) {
			return v, fmt.Errorf("%s: signed by the key %s, but %s is %s", path, name, by,
				ssh.FingerprintSHA256(want))
		}
		v.checked("%s: signed by the key of %s, %s", path, by, name)
	}
	return v, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
