package cli

import (
	"crypto/ed25519"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"golang.org/x/crypto/ssh"
)

// keyPair writes a new OpenSSH key, and its .pub file beside it.
func keyPair(t *testing.T) string {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	of, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	for name, text := range map[string][]byte{path: pem.EncodeToMemory(block),
		path + ".pub": ssh.MarshalAuthorizedKey(of)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestSealedRun: sampling goes on where rows are missing, to the same bytes, and refuses rows and
// settings that were changed. A signature says who finished the run.
func TestSealedRun(t *testing.T) {
	want, model := long(t)
	for name, forge := range map[string]func(t *testing.T, dir string){
		"row": onRows(changedLabel), "seed": replaced(countlog.RunFile, `"seed": 1`, `"seed": 2`),
		"seal": replaced(countlog.SealFile, `"chain": "sha256:`, `"chain": "sha256:0`),
	} {
		dir := copied(t, want)
		forge(t, dir)
		r := lipsmooth(longArgs(model, dir)...)
		refused(t, r, map[string]string{"row": countlog.CountsFile + ":2: example 0: isn't the row",
			"seed": "seed is 2 there, 1 here", "seal": "seal.json: chain: "}[name])
	}
	dir := copied(t, want)
	onRows(func(rows []string) []string { return slices.Delete(rows[:300], 100, 102) })(t, dir)
	must(t, longArgs(model, dir)...)
	sameRun(t, dir, want)
	if read(t, dir, countlog.SealFile) != read(t, want, countlog.SealFile) {
		t.Error("another seal")
	}
	onRows(func(rows []string) []string { return slices.Delete(changedLabel(rows), 100, 102) })(t, dir)
	refused(t, lipsmooth(longArgs(model, dir)...), countlog.CountsFile+":2: example 0: isn't the row")

	dir = copied(t, want)
	key, other := keyPair(t), keyPair(t)
	refused(t, lipsmooth(append(longArgs(model, dir), "--sign", key+".pub")...),
		"no OpenSSH private key")
	must(t, append(longArgs(model, dir), "--sign", key)...)
	if out := must(t, "verify", dir, "--signed-by", key+".pub"); !strings.Contains(out,
		"seal.json.sig: signed by the key of "+key+".pub, ssh-ed25519 SHA256:") {
		t.Error(out)
	}
	if out := must(t, "verify", dir); !strings.Contains(out, "signed by the key ssh-ed25519 SHA256:") {
		t.Error(out)
	}
	refused(t, lipsmooth("verify", dir, "--signed-by", other+".pub"), "signed by the key ssh-ed25519",
		other+".pub is SHA256:")
	refused(t, lipsmooth("verify", dir, "--signed-by", key), "no OpenSSH public key")
	// Who makes the seal again has no signature of the new one.
	edit(t, func(s string) string { return s + "\n" }, dir, countlog.SealFile)
	refused(t, lipsmooth("verify", dir), "seal.json.sig: isn't a signature of this seal.json")
}
