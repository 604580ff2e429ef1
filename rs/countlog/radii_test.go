package countlog

import (
	"bytes"
	"compress/gzip"
	"reflect"
	"strings"
	"testing"

	"github.com/lipsmooth/lipsmooth/rs"
)

// The headers are those that public code writes: locuslab/smoothing and its descendants, input-
// dependent smoothing with a column sigma, diffusion denoising with a column original_idx and a
// running total as correct, and tables that pandas and spreadsheets saved again.
func TestReadRadii(t *testing.T) {
	want := []rs.Result{{Label: 3, Certificate: rs.Certificate{Class: rs.Abstain}},
		{Label: 7, Certificate: rs.Certificate{Class: 7, Radius: 0.0734}},
		{Label: 5, Certificate: rs.Certificate{Class: 5, Radius: 1.5}}}
	const plain = "idx\tlabel\tpredict\tradius\tcorrect\ttime\n0\t3\t-1\t0.0\t0\t0:00:13.7\n" +
		"20\t7\t7\t0.0734\t1\t15.4\n40\t5\t5\t1.5\t1\t\n"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(plain))
	z.Close()
	wide := "\xff\xfe"
	for _, c := range []byte(plain) {
		wide += string([]byte{c, 0})
	}
	for name, text := range map[string]string{
		"certify.py": plain,
		"no newline": strings.TrimSuffix(plain, "\t\n") + "\t0:00:01",
		"CRLF":       strings.ReplaceAll(plain, "\n", "\r\n"),
		"mark":       "\xef\xbb\xbf" + plain,
		"UTF-16":     wide,
		"gzip":       zipped.String(),
		"commas":     strings.ReplaceAll(plain, "\t", ","),
		"semicolons": strings.ReplaceAll(plain, "\t", ";"),
		"remark":     plain + "\nAverage radius: 0.5\n",
		"joined": strings.Replace(plain, "20\t7", "idx\tlabel\tpredict\tradius\tcorrect\ttime\n"+
			"20\t7", 1),
		"spaces": " idx  label predict  radius\n 0   3  -1 0\n20   7   7 0.0734\n40\t5 5 1.5\n",
		"savetxt": "# id y pred r\n0 3 -1.0 0\n20.0 7.0 7.0 7.34e-2\n" +
			"40.0 5.0 5.0 1.5\n",
		"before": "pgd-steps: 10\tpgd-epsilon: 0.5\n\n" + plain,
		"reordered": "radius\tcorrect\tpredict\tlabel\tidx\n0\t0\t-1\t3\t0\n.0734\t" +
			"1\t7\t7\t20\n1.5\t1\t5\t5\t40\n",
		"pandas": ",idx,true_label,prediction,certified_radius,correct\n0,0," +
			"3,-1,0,False\n1,20,7,7,0.0734,True\n2,40,5,5,1.5,True\n",
		"unnamed": "Unnamed: 0,Label,Predicted,Radii,IsCorrect\n0,3,abstain," +
			"0,0\n20,7,7,0.0734,1\n40,5,5,1.5,1\n",
		"quoted": "\"idx\";\"target\";\"predicted_class\";\"cert_radius\"\n" +
			"\"0\";\"3\";-1;0\n20;7;7;0.0734\n40;5;5;1.5\n",
		"sums": "original_idx\tlabel\tpredict\tradius\tcorrect\n0\t3\t-1\t" +
			"0\t0\n20\t7\t7\t0.0734\t1\n40\t5\t5\t1.5\t2\n",
		"other": "idx\tlabel\tpredict\tradius\tgood\tpABar\tcorrect\tpBBar\n" +
			"0\t3\t-1\t0\t1\t.1\t0\t0\n20\t7\t7\t0.0734\t0\t.1\t1\t0\n40\t5\t5\t1.5\t" +
			"0\t.1\t1\t0\n",
		"image": "idx,image_path,label,pred,radius,abstained\n0,\"a,b.png\"," +
			"3,-1,0,1\n20,c.png,7,7,0.0734,0\n40,d (1).png,5,5,1.5,0\n",
		"of its own σ": "idx\tlabel\tpredict\tradius\tcorrect\tsigma\ttime\n0\t3\t" +
			"-1\t0\t0\t.25\t1\n20\t7\t7\t.0734\t1\t.5\t1\n40\t5\t5\t1.5\t1\t.12\t" +
			"1\n",
	} {
		got, err := ReadRadii(strings.NewReader(text), "r.tsv")
		if err != nil || !reflect.DeepEqual(got.Results(), want) {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		for i, row := range got.Rows {
			if row.Index != 20*i {
				t.Errorf("%s: row %d has index %d", name, i, row.Index)
			}
		}
		if name == "remark" != (len(got.Remarks) == 1) {
			t.Errorf("%s: %v", name, got.Remarks)
		}
		if name == "of its own σ" != (got.Rows[2].Sigma == 0.12) {
			t.Errorf("%s: σ = %v", name, got.Rows[2].Sigma)
		}
	}
	rows, err := ReadRadii(strings.NewReader("label,predict,radius\n1,1,0.5\n2,2,0.5\n"), "r.tsv")
	if err != nil || rows.Rows[1].Index != 1 {
		t.Error(rows, err)
	}
}

func TestReadRadiiRefuses(t *testing.T) {
	const head = "idx\tlabel\tpredict\tradius\tcorrect\ttime\n"
	for _, c := range [][2]string{
		{head + "0\t3\t3\t0.5\t0\t1\n",
			`r.tsv:2: correct: "0", but predict 3 and label 3 make it 1`},
		{head + "0\t3\t-1\t0.5\t0\t1\n", "r.tsv:2: radius: 0.5, want 0 where the prediction is -1"},
		{head + "0\t3\t3\tNaN\t1\t1\n", `r.tsv:2: radius: "NaN", want a finite number >= 0`},
		{head + "0\t3\t3\t+Inf\t1\t1\n", "r.tsv:2: radius"},
		{head + "0\t3\t3\t-1\t1\t1\n", "r.tsv:2: radius"},
		{head + "0\t3\t3\t0.5\t1\n", "r.tsv:2: 5 columns, want 6"},
		{head + "0\t3\t3\t0.5", "r.tsv:2: 4 columns, want 6: cut off? the last line does not end"},
		{head + "0\t3\tcat\t0.5\t0\t1\n", `r.tsv:2: predict: "cat", want a whole number`},
		{head + "0\t3\t-2\t0\t0\t1\n", `r.tsv:2: predict: "-2", want a whole number`},
		{head + "0\t3\t3\t1\t1\t1\n0\t3\t3\t1\t1\t1\n", "r.tsv:3: idx: 0 is there twice"},
		// A wrong mark that could be a total, were there other totals.
		{head + "0\t3\t3\t1\t1\t1\n1\t3\t2\t1\t1\t1\n", `r.tsv:3: correct: "1", but`},
		{head + "0\t3\t3\t1\t1\t1\n1\t3\t2\t1\t1\t1\n2\t3\t3\t1\t1\t1\n",
			`r.tsv:3: correct: "1", but`},
		{"idx;label;predict;radius\n0;3;3;0,512\n",
			`r.tsv:2: radius: "0,512": a decimal comma, want a point`},
		{"idx\tlabel\ty\tpredict\tradius\n",
			`r.tsv:1: columns "label" and "y": either may be the true class: keep one`},
		{"idx,label,predict,pred,radius\n",
			`columns "predict" and "pred": either may be the predicted class`},
		{"idx,label,predict,radius,r\n", `columns "radius" and "r": either may be the radius`},
		{"id,idx,label,predict,radius\n", `columns "id" and "idx": either may be the index`},
		{"idx\tlabel\tpredict\tcorrect\ttime\n0\t1\t1\t1\t0.3\n",
			`r.tsv:1: no table of votes or certificates: columns "idx label predict correct ` +
				`time" hold predictions, and none is the radius (by a name such as radius)`},
		{"idx\tpredict\tradius\tcorrect\n", "none is the true class (by a name such as label)"},
		{"idx\tpredict\tradius-min\tradius-max\tproxyvol\tcorrect\n", "r.tsv:1: no table"},
		{"epoch\ttime\tlr\ttrain loss\n0\t1\t1\t2\n",
			`r.tsv:1: no table of votes or certificates: columns "epoch time lr train loss", want`},
		{"Average radius: 0.45\n", `columns "Average radius: 0.45", want`},
		{"0\t3\t3\t0.5\t1\t1\n", `the first line is "0 3 3 0.5 1 1", want column names, such as ` +
			"idx, label, predict and radius"},
		{"PK\x03\x04abcdef", "r.tsv: no table of votes or certificates: a ZIP archive"},
		{"\x80\x04\x95\x00\x00", "r.tsv: no table of votes or certificates: a Python pickle"},
		{"\x08\x08\x00\x12idx", "r.tsv: no table of votes or certificates: not text"},
		{"\x1f\x8b\x08", "r.tsv: unexpected EOF"},
		{"\x93NUMPY", "r.tsv: ends within the header"},
	} {
		got, err := ReadRadii(strings.NewReader(c[0]), "r.tsv")
		if err == nil || got.Rows != nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: %v, want %s", c[0], err, c[1])
		}
	}
}
