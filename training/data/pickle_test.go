package data

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/internal/npy"
)

// pickles are what Python 3 and NumPy 2 write of {"labels": [3, np.int64(1)], "data":
// np.arange(250, 256, dtype=np.uint8).reshape(2, 3), "c": "é'\n\\"}, in protocols 0 to 5.
var pickles = []string{
	"(dp0\nVlabels\np1\n(lp2\nI3\nacnumpy._core.multiarray\nscalar\np3\n(cnumpy\ndtype\np" +
		"4\n(Vi8\np5\nI00\nI01\ntp6\nRp7\n(I3\nV<\np8\nNNNI-1\nI-1\nI0\ntp9\nbc_codecs\nencod" +
		"e\np10\n(V\x01\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\np11\nVlatin1\np12\n" +
		"tp13\nRp14\ntp15\nRp16\nasVdata\np17\ncnumpy._core.multiarray\n_reconstruct\np18\n(c" +
		"numpy\nndarray\np19\n(I0\ntp20\ng10\n(Vb\np21\ng12\ntp22\nRp23\ntp24\nRp25\n(I1\n(I2" +
		"\nI3\ntp26\ng4\n(Vu1\np27\nI00\nI01\ntp28\nRp29\n(I3\nV|\np30\nNNNI-1\nI-1\nI0\ntp31" +
		"\nbI00\ng10\n(V\xfa\xfb\xfc\xfd\xfe\xff\np32\ng12\ntp33\nRp34\ntp35\nbsVc\np36\nV" +
		"\xe9'\\u000a\\u005c\np37\ns.",
	"}q\x00(X\x06\x00\x00\x00labelsq\x01]q\x02(K\x03cnumpy._core.multiarray\nscalar\nq" +
		"\x03(cnumpy\ndtype\nq\x04(X\x02\x00\x00\x00i8q\x05I00\nI01\ntq\x06Rq\x07(K\x03X\x01" +
		"\x00\x00\x00<q\x08NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x09bc_codecs\nencode" +
		"\nq\n(X\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00q\x0bX\x06\x00\x00\x00latin1q" +
		"\x0ctq\x0dRq\x0etq\x0fRq\x10eX\x04\x00\x00\x00dataq\x11cnumpy._core.multiarray\n_rec" +
		"onstruct\nq\x12(cnumpy\nndarray\nq\x13(K\x00tq\x14h\n(X\x01\x00\x00\x00bq\x15h\x0ctq" +
		"\x16Rq\x17tq\x18Rq\x19(K\x01(K\x02K\x03tq\x1ah\x04(X\x02\x00\x00\x00u1q\x1bI00\nI01" +
		"\ntq\x1cRq\x1d(K\x03X\x01\x00\x00\x00|q\x1eNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" +
		"\x00tq\x1fbI00\nh\n(X\x0c\x00\x00\x00\xc3\xba\xc3\xbb\xc3\xbc\xc3\xbd\xc3\xbe\xc3" +
		"\xbfq h\x0ctq!Rq\"tq#bX\x01\x00\x00\x00cq$X\x05\x00\x00\x00\xc3\xa9'\n\\q%u.",
	"\x80\x02}q\x00(X\x06\x00\x00\x00labelsq\x01]q\x02(K\x03cnumpy._core.multiarray\nscal" +
		"ar\nq\x03cnumpy\ndtype\nq\x04X\x02\x00\x00\x00i8q\x05\x89\x88\x87q\x06Rq\x07(K\x03X" +
		"\x01\x00\x00\x00<q\x08NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x09bc_codecs\nenc" +
		"ode\nq\nX\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00q\x0bX\x06\x00\x00\x00latin" +
		"1q\x0c\x86q\x0dRq\x0e\x86q\x0fRq\x10eX\x04\x00\x00\x00dataq\x11cnumpy._core.multiarr" +
		"ay\n_reconstruct\nq\x12cnumpy\nndarray\nq\x13K\x00\x85q\x14h\nX\x01\x00\x00\x00bq" +
		"\x15h\x0c\x86q\x16Rq\x17\x87q\x18Rq\x19(K\x01K\x02K\x03\x86q\x1ah\x04X\x02\x00\x00" +
		"\x00u1q\x1b\x89\x88\x87q\x1cRq\x1d(K\x03X\x01\x00\x00\x00|q\x1eNNNJ\xff\xff\xff\xffJ" +
		"\xff\xff\xff\xffK\x00tq\x1fb\x89h\nX\x0c\x00\x00\x00\xc3\xba\xc3\xbb\xc3\xbc\xc3\xbd" +
		"\xc3\xbe\xc3\xbfq h\x0c\x86q!Rq\"tq#bX\x01\x00\x00\x00cq$X\x05\x00\x00\x00\xc3\xa9'" +
		"\n\\q%u.",
	"\x80\x03}q\x00(X\x06\x00\x00\x00labelsq\x01]q\x02(K\x03cnumpy._core.multiarray\nscal" +
		"ar\nq\x03cnumpy\ndtype\nq\x04X\x02\x00\x00\x00i8q\x05\x89\x88\x87q\x06Rq\x07(K\x03X" +
		"\x01\x00\x00\x00<q\x08NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x09bC\x08\x01\x00" +
		"\x00\x00\x00\x00\x00\x00q\n\x86q\x0bRq\x0ceX\x04\x00\x00\x00dataq\x0dcnumpy._core.mu" +
		"ltiarray\n_reconstruct\nq\x0ecnumpy\nndarray\nq\x0fK\x00\x85q\x10C\x01bq\x11\x87q" +
		"\x12Rq\x13(K\x01K\x02K\x03\x86q\x14h\x04X\x02\x00\x00\x00u1q\x15\x89\x88\x87q\x16Rq" +
		"\x17(K\x03X\x01\x00\x00\x00|q\x18NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x19b" +
		"\x89C\x06\xfa\xfb\xfc\xfd\xfe\xffq\x1atq\x1bbX\x01\x00\x00\x00cq\x1cX\x05\x00\x00" +
		"\x00\xc3\xa9'\n\\q\x1du.",
	"\x80\x04\x95\xf9\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x06labels\x94]\x94(K\x03\x8c" +
		"\x16numpy._core.multiarray\x94\x8c\x06scalar\x94\x93\x94\x8c\x05numpy\x94\x8c\x05dty" +
		"pe\x94\x93\x94\x8c\x02i8\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01<\x94NNNJ\xff\xff\xff" +
		"\xffJ\xff\xff\xff\xffK\x00t\x94bC\x08\x01\x00\x00\x00\x00\x00\x00\x00\x94\x86\x94R" +
		"\x94e\x8c\x04data\x94h\x03\x8c\x0c_reconstruct\x94\x93\x94h\x06\x8c\x07ndarray\x94" +
		"\x93\x94K\x00\x85\x94C\x01b\x94\x87\x94R\x94(K\x01K\x02K\x03\x86\x94h\x08\x8c\x02u1" +
		"\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" +
		"\x00t\x94b\x89C\x06\xfa\xfb\xfc\xfd\xfe\xff\x94t\x94b\x8c\x01c\x94\x8c\x05\xc3\xa9'" +
		"\n\\\x94u.",
	"\x80\x05\x95\xfb\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x06labels\x94]\x94(K\x03\x8c" +
		"\x16numpy._core.multiarray\x94\x8c\x06scalar\x94\x93\x94\x8c\x05numpy\x94\x8c\x05dty" +
		"pe\x94\x93\x94\x8c\x02i8\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01<\x94NNNJ\xff\xff\xff" +
		"\xffJ\xff\xff\xff\xffK\x00t\x94bC\x08\x01\x00\x00\x00\x00\x00\x00\x00\x94\x86\x94R" +
		"\x94e\x8c\x04data\x94\x8c\x13numpy._core.numeric\x94\x8c\x0b_frombuffer\x94\x93\x94(" +
		"\x96\x06\x00\x00\x00\x00\x00\x00\x00\xfa\xfb\xfc\xfd\xfe\xff\x94h\x08\x8c\x02u1\x94" +
		"\x89\x88\x87\x94R\x94(K\x03\x8c\x01|\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t" +
		"\x94bK\x02K\x03\x86\x94\x8c\x01C\x94t\x94R\x94\x8c\x01c\x94\x8c\x05\xc3\xa9'\n\\\x94" +
		"u.",
}

// pickle2 is how Python 2 wrote CIFAR's files, in protocol 2: images of so many bytes each.
func pickle2(labelKey string, labels []int, images []byte) []byte {
	var b bytes.Buffer
	b.WriteString("\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x08training")
	fmt.Fprintf(&b, "U%c%sq\x03]q\x04(", len(labelKey), labelKey)
	for _, c := range labels {
		b.Write([]byte{'K', byte(c)})
	}
	b.WriteString("eU\x04dataq\x05cnumpy.core.multiarray\n_reconstruct\nq\x06cnumpy\nndarray\n" +
		"q\x07K\x00\x85q\x08U\x01b\x87Rq\x09(K\x01K")
	b.WriteByte(byte(len(labels)))
	b.WriteString("M\x00\x0c\x86cnumpy\ndtype\nq\x0bU\x02u1K\x00K\x01\x87Rq\x0c(K\x03U\x01|" +
		"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T")
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(images))))
	b.Write(images)
	b.WriteString("tbu.")
	return b.Bytes()
}

// pickledNames is a dict of a list of names, in protocol 0.
func pickledNames(key string, names []string) []byte {
	text := "(dp0\nS'" + key + "'\np1\n(lp2\n"
	for _, name := range names {
		text += "S'" + name + "'\na"
	}
	return []byte(text + "s.")
}

func TestUnpickle(t *testing.T) {
	for protocol, text := range pickles {
		got, err := unpickleDict([]byte(text))
		if err != nil {
			t.Errorf("protocol %d: %v", protocol, err)
			continue
		}
		a := got["data"].(*pickleArray).array
		want := array{npy.Array{Type: "|u1", Shape: []int{2, 3},
			Data: []byte{250, 251, 252, 253, 254, 255}}}
		labels, err := pickledInts(got["labels"])
		if err != nil || !reflect.DeepEqual(a, want) || !slices.Equal(labels, []int{3, 1}) ||
			got["c"] != "é'\n\\" {
			t.Errorf("protocol %d: %v, %v, %q, %v", protocol, a, labels, got["c"], err)
		}
	}
}

// An array whose first index varies fastest is put in order.
func TestUnpickleColumns(t *testing.T) {
	got, err := unpickleDict([]byte(strings.Replace(pickles[3], "\x89C\x06", "\x88C\x06", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if a := got["data"].(*pickleArray); !slices.Equal(a.Data,
		[]byte{250, 252, 254, 251, 253, 255}) {
		t.Errorf("%v", a.Data)
	}
}

func TestUnpickleRefuses(t *testing.T) {
	many := strings.Repeat("N0", pickleObjects/2+1)
	for text, want := range map[string]string{
		"cos\nsystem\n(S'true'\ntR.":                              "calls os.system, which no data",
		"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.": "calls builtins.eval",
		"c__builtin__\nbytes\n(I99999999999\ntR.":                 "bytes of other arguments",
		"(S'true'\nios\nsystem\n.":                                "operation INST",
		"\x80\x02cx\ny\n)\x81.":                                   "operation NEWOBJ",
		"P1\n.":                                                   "operation PERSID",
		"\x80\x06N.":                                              "protocol 6",
		"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f":                    "the file ends",
		"T\xff\xff\xff\xffx.":                                     "the file ends",
		"":                                                        "the file ends",
		"(.":                                                      "STOP with 0 values",
		"0.":                                                      "operations don't fit",
		"h\x00.":                                                  "operations don't fit",
		"]]b.":                                                    "operations don't fit",
		"\xfe":                                                    "byte 0xfe is no operation",
		many + "N.":                                               "more than 1048576 operations",
		// A list within itself, as the name of a function.
		"]q\x00h\x00ah\x00h\x00\x93.":                              "operations don't fit",
		strings.Replace(pickles[3], "K\x02K\x03", "K\x02K\x04", 1): "6 bytes for |u1 of shape [2 4]",
		strings.Replace(pickles[3], "u1", "O8", 1):                 `items of type "|O8"`,
	} {
		_, err := unpickle([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: error %v, want %q", text, err, want)
		}
	}
}

func FuzzUnpickle(f *testing.F) {
	for _, text := range pickles {
		f.Add([]byte(text))
	}
	f.Add(pickledNames("label_names", []string{"a", `\'\x41`}))
	f.Fuzz(func(t *testing.T, text []byte) {
		if dict, err := unpickleDict(text); err == nil {
			pickledInts(dict["labels"])
		}
	})
}
