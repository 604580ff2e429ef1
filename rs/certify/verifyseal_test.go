package certify

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs/countlog"
	"golang.org/x/crypto/ssh"
)

// TestVerifySeal: rows of a killed writer, which lie behind the seal, are noted. No signature
// covers them.
func TestVerifySeal(t *testing.T) {
	run := settings()
	whole := write(t, filepath.Join(t.TempDir(), "whole"), run)
	rows, err := os.ReadFile(filepath.Join(whole, countlog.CountsFile))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	w, err := countlog.Create(dir, run)
	if err != nil {
		t.Fatal(err)
	}
	log, err := countlog.Open(whole)
	if err != nil {
		t.Fatal(err)
	}
	all, err := log.All()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all[:3] {
		if err := w.Append(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	of, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	by := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(by, ssh.MarshalAuthorizedKey(of), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := countlog.Sign(dir, key); err != nil {
		t.Fatal(err)
	}
	verified := func(by string) (notes string, err error) {
		r, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := r.VerifyLog()
		if err != nil {
			t.Fatal(err)
		}
		signed, err := r.VerifySignature(by)
		return strings.Join(append(v.Notes, signed.Notes...), "\n"), err
	}
	if notes, err := verified(by); err != nil || notes != "" {
		t.Error(notes, err)
	}
	if err := os.WriteFile(filepath.Join(dir, countlog.CountsFile), rows, 0o644); err != nil {
		t.Fatal(err)
	}
	if notes, err := verified(""); err != nil || !strings.Contains(notes,
		"3 of 4 rows: sampling goes on or was killed") ||
		!strings.Contains(notes, "signed by the key ssh-ed25519 ") {
		t.Error(notes, err)
	}
	if _, err := verified(by); err == nil || !strings.Contains(err.Error(), "covers all rows") {
		t.Error(err)
	}
}
