package countlog

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lipsmooth/lipsmooth/internal/atomic"
	"golang.org/x/crypto/ssh"
)

// SignatureFile is the signature of a [SealFile], beside it, in OpenSSH's format. It is what
//
//	ssh-keygen -Y sign -f KEY -n lipsmooth RUN/seal.json
//
// writes, and ssh-keygen -Y verify reads it.
const SignatureFile = SealFile + ".sig"

// Names in a signature, of OpenSSH's PROTOCOL.sshsig.
const (
	signatureMagic = "SSHSIG"
	signatureType  = "SSH SIGNATURE"
	signedFor      = "lipsmooth" // the namespace
)

// signature is what a signature file holds behind its magic.
type signature struct {
	Version                                         uint32
	Key, Namespace, Reserved, HashAlgorithm, Signed string
}

// signed is what the key signs, behind the magic.
type signed struct{ Namespace, Reserved, HashAlgorithm, Hash string }

func (s signed) bytes() []byte { return append([]byte(signatureMagic), ssh.Marshal(s)...) }

// ReadKey reads an OpenSSH ed25519 key to sign with, which has no passphrase.
func ReadKey(path string) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		return nil, fmt.Errorf("%s: has a passphrase: sign with ssh-keygen -Y sign -f %s -n %s "+
			"RUN/%s instead", path, path, signedFor, SealFile)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: no OpenSSH private key: %w", path, err)
	}
	if kind := key.PublicKey().Type(); kind != ssh.KeyAlgoED25519 {
		return nil, fmt.Errorf("%s: a key of type %s, want %s: ssh-keygen -t ed25519 makes one", path,
			kind, ssh.KeyAlgoED25519)
	}
	return key, nil
}

// ReadPublicKey reads the .pub file of an OpenSSH key.
func ReadPublicKey(path string) (ssh.PublicKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: no OpenSSH public key: %w", path, err)
	}
	return key, nil
}

// Sign signs the seal of a run's folder, and that of its tuning images where there are some.
func Sign(dir string, key ssh.Signer) error {
	if tuning := filepath.Join(dir, TuningFolder); filepath.Base(dir) != TuningFolder {
		if _, err := os.Stat(tuning); err == nil {
			if err := Sign(tuning, key); err != nil {
				return err
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, SealFile))
	if err != nil {
		return fmt.Errorf("the run has no seal to sign: %w", err)
	}
	hash := sha512.Sum512(text)
	what := signed{Namespace: signedFor, HashAlgorithm: "sha512", Hash: string(hash[:])}
	by, err := key.Sign(rand.Reader, what.bytes())
	if err != nil {
		return err
	}
	s := signature{Version: 1, Key: string(key.PublicKey().Marshal()), Namespace: signedFor,
		HashAlgorithm: what.HashAlgorithm, Signed: string(ssh.Marshal(by))}
	return atomic.WriteBytes(filepath.Join(dir, SignatureFile), pem.EncodeToMemory(&pem.Block{
		Type: signatureType, Bytes: append([]byte(signatureMagic), ssh.Marshal(s)...)}))
}

// SignedBy returns the key that signed the seal of a run's folder; nil where none did. A signature
// of another seal is an error.
func SignedBy(dir string) (ssh.PublicKey, error) {
	path := filepath.Join(dir, SignatureFile)
	armored, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, SealFile))
	if err != nil {
		return nil, err
	}
	key, err := verifySignature(armored, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// verifySignature returns the key that signed a text.
func verifySignature(armored, text []byte) (ssh.PublicKey, error) {
	block, _ := pem.Decode(armored)
	if block == nil || block.Type != signatureType {
		return nil, errors.New("no OpenSSH signature")
	}
	body, ok := bytes.CutPrefix(block.Bytes, []byte(signatureMagic))
	var s signature
	var by ssh.Signature
	if !ok || ssh.Unmarshal(body, &s) != nil || ssh.Unmarshal([]byte(s.Signed), &by) != nil ||
		s.Version != 1 {
		return nil, errors.New("no OpenSSH signature of version 1")
	}
	if s.Namespace != signedFor {
		return nil, fmt.Errorf("signed for %q, want %q (ssh-keygen -Y sign -n)", s.Namespace, signedFor)
	}
	what := signed{s.Namespace, s.Reserved, s.HashAlgorithm, ""}
	switch s.HashAlgorithm {
	case "sha512":
		hash := sha512.Sum512(text)
		what.Hash = string(hash[:])
	case "sha256":
		hash := sha256.Sum256(text)
		what.Hash = string(hash[:])
	default:
		return nil, fmt.Errorf("hash %q, want sha512 or sha256", s.HashAlgorithm)
	}
	key, err := ssh.ParsePublicKey([]byte(s.Key))
	if err != nil {
		return nil, err
	}
	if by.Format == ssh.KeyAlgoRSA { // which is over SHA-1
		return nil, fmt.Errorf("a signature of type %s, which isn't safe", by.Format)
	}
	if key.Verify(what.bytes(), &by) != nil {
		return nil, fmt.Errorf("isn't a signature of this %s: it was changed after it was signed",
			SealFile)
	}
	return key, nil
}
