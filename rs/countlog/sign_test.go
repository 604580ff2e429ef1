package countlog

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// keyPair writes an OpenSSH key and its .pub file; its seed is one byte, repeated.
func keyPair(t *testing.T, seed byte) string {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	for name, text := range map[string][]byte{path: pem.EncodeToMemory(block),
		path + ".pub": ssh.MarshalAuthorizedKey(public)} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestSign(t *testing.T) {
	dir, r := sealedRun(t, 5)
	tuning := filepath.Join(dir, TuningFolder)
	other := r
	other.Examples.Start = 1
	fill(t, tuning, other, 6)
	path := keyPair(t, 1)
	key, err := ReadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ReadPublicKey(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if by, err := SignedBy(dir); by != nil || err != nil {
		t.Error(by, err)
	}
	if err := Sign(dir, key); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, tuning} {
		if by, err := SignedBy(dir); err != nil || !bytes.Equal(by.Marshal(), public.Marshal()) {
			t.Error(by, err)
		}
	}
	fill(t, dir, r, 6) // after which it is another seal
	if by, err := SignedBy(dir); by != nil || err != nil {
		t.Error(by, err)
	}
	if err := Sign(dir, key); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, old, new, want string }{
		{SealFile, `"rows": 6`, `"rows": 5`, "changed after it was signed"},
		{SealFile, `"seed": 1`, `"seed": 2`, "changed after it was signed"},
		{SignatureFile, "BEGIN SSH", "BEGIN PGP", "no OpenSSH signature"},
		{SignatureFile, "U1NIU0lH", "AAAAAAAA", "no OpenSSH signature"},
	} {
		good, _ := os.ReadFile(filepath.Join(dir, c.file))
		edit(t, dir, c.file, replacing(c.old, c.new))
		if _, err := SignedBy(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.new, err, c.want)
		}
		os.WriteFile(filepath.Join(dir, c.file), good, 0o644)
	}
	if _, err := ReadKey(path + ".pub"); err == nil {
		t.Error("a public key to sign with")
	}
	if _, err := ReadPublicKey(path); err == nil {
		t.Error("a private key as a public one")
	}
}

// TestKeygen: ssh-keygen verifies what Sign signs, and SignedBy what ssh-keygen signs.
func TestKeygen(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip(err)
	}
	dir, _ := sealedRun(t, 6)
	path := keyPair(t, 2)
	key, err := ReadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Sign(dir, key); err != nil {
		t.Fatal(err)
	}
	keygen := func(args ...string) {
		t.Helper()
		seal, err := os.Open(filepath.Join(dir, SealFile))
		if err != nil {
			t.Fatal(err)
		}
		defer seal.Close()
		cmd := exec.Command("ssh-keygen", args...)
		cmd.Stdin = seal
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	public, _ := os.ReadFile(path + ".pub")
	allowed := filepath.Join(t.TempDir(), "allowed")
	os.WriteFile(allowed, append([]byte("me "), public...), 0o600)
	signature := filepath.Join(dir, SignatureFile)
	keygen("-Y", "verify", "-f", allowed, "-I", "me", "-n", signedFor, "-s", signature)
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		other := filepath.Join(t.TempDir(), kind)
		keygen("-q", "-t", kind, "-N", "", "-f", other)
		os.Remove(signature)
		keygen("-q", "-Y", "sign", "-f", other, "-n", signedFor, filepath.Join(dir, SealFile))
		want, err := ReadPublicKey(other + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		if by, err := SignedBy(dir); err != nil || !bytes.Equal(by.Marshal(), want.Marshal()) {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := ReadKey(other); (err == nil) != (kind == "ed25519") {
			t.Errorf("%s: to sign with: %v", kind, err)
		}
	}
	os.Remove(signature)
	keygen("-q", "-Y", "sign", "-f", path, "-n", "file", filepath.Join(dir, SealFile))
	if _, err := SignedBy(dir); err == nil || !strings.Contains(err.Error(), `signed for "file"`) {
		t.Error(err)
	}
	locked := filepath.Join(t.TempDir(), "locked")
	keygen("-q", "-t", "ed25519", "-N", "secret", "-f", locked)
	if _, err := ReadKey(locked); err == nil || !strings.Contains(err.Error(), "has a passphrase") {
		t.Error(err)
	}
}
