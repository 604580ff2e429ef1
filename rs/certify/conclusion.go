package certify

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/countlog"
)

// level is that of the confidence intervals of averages over images.
const level = 0.95

// votesAlone is the method that others are compared with: the usual one on votes alone.
const votesAlone = "mono"

// A conclusion is drawn from certificates of the same images at one α, and from attacks on some.
type conclusion struct {
	run     countlog.Run
	indices []int
	curves  []Curve
	alpha   float64
	attacks []Attack
	box     bool // the attacks stay in [0, 1]
}

// Conclusion says in a sentence each what the best method certifies, by how much it beats votes
// alone, and how far attacks come. It leaves out what isn't there. Choosing the best method is paid
// for: the interval of the difference holds for all methods together.
func (x *Result) Conclusion(attacks []Attack) []string {
	c := x.Config
	return conclusion{x.Run.Run, x.Indices, x.Curves, c.Alpha, attacks, c.Box}.sentences()
}

// Conclude is Conclusion of the certificates and attacks that lie in a run's folder, with the α of
// the latest certificates. It is nil where there are no certificates.
func Conclude(dir string) ([]string, error) {
	path := filepath.Join(dir, CertificatesFile)
	h, saved, err := readHeld(path)
	if h == nil || errors.Is(err, os.ErrNotExist) || err == nil && len(saved.Sets) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	run, err := countlog.ReadRun(dir)
	if err != nil {
		return nil, err
	}
	c := conclusion{run: run, alpha: saved.Sets[len(saved.Sets)-1].Alpha}
	curves, alphas, err := h.curves(saved.Sets)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, curve := range curves {
		if alphas[i] == c.alpha {
			c.curves = append(c.curves, curve)
		}
	}
	for _, row := range h[c.curves[0].Method] {
		index, err := strconv.Atoi(row[0])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		c.indices = append(c.indices, index)
	}
	attacks, settings, err := ReadAttacks(dir)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	c.attacks, c.box = attacks, settings != nil && settings.Box
	return c.sentences(), err
}

func (c conclusion) sentences() (lines []string) {
	best, others, votes := Curve{}, 0, Curve{}
	largest := math.Inf(-1)
	for _, curve := range c.curves {
		if entry, err := rs.MethodByName(curve.Method); err != nil || entry.Unsound {
			continue
		}
		others++
		if curve.Method == votesAlone {
			votes = curve
		}
		if a := average(curve.Results); a > largest {
			best, largest = curve, a
		}
	}
	if others == 0 || len(best.Results) == 0 {
		return nil
	}
	others--
	lines = append(lines, c.certified(best))
	if unlabelled(c.curves) {
		return lines
	}
	if votes.Method != "" && others > 0 {
		lines = append(lines, gained(best, votes, others))
	}
	if line := c.attacked(best); line != "" {
		lines = append(lines, line)
	}
	return lines
}

// average is the average radius, of images without labels the mean.
func average(results []rs.Result) float64 {
	if len(rs.Labelled(results)) > 0 {
		return rs.AverageRadius(results)
	}
	sum := 0.0
	for _, r := range results {
		sum += r.Radius
	}
	return sum / float64(max(1, len(results)))
}

// certified says what a method certifies.
func (c conclusion) certified(best Curve) string {
	where := ""
	if c.run.Dataset.Name != "" {
		where = " of " + c.run.Dataset.Name
	}
	end := fmt.Sprintf(", each with error probability %.3g", c.alpha)
	entry, _ := rs.MethodByName(best.Method)
	if entry.Noiseless {
		end = ", without noise"
	}
	if entry.InBox {
		end += ", of images in [0, 1]"
	}
	if l := c.run.Model.Lambda; entry.Lipschitz && l.Known() && !l.Proved() {
		end += fmt.Sprintf(", if the claimed Λ = %.4g holds", l.Value())
	}
	if known := rs.Labelled(best.Results); len(known) > 0 {
		return fmt.Sprintf("On %d images%s, %s certifies an average l2 radius of %v (95%% over images), "+
			"and radius σ = %.3g for %.1f%% of them%s.", len(known), where, best.Method,
			rs.RadiusInterval(known, level), c.run.Sigma,
			100*rs.CertifiedAccuracy(known, c.run.Sigma), end)
	}
	classes := 0
	for _, r := range best.Results {
		if r.Class != rs.Abstain {
			classes++
		}
	}
	n := len(best.Results)
	return fmt.Sprintf("On %d images%s without labels, %s certifies a class for %.1f%%, at a mean l2 "+
		"radius of %.3g%s.", n, where, best.Method, 100*float64(classes)/float64(n),
		average(best.Results)*float64(n)/float64(max(1, classes)), end)
}

// gained says by how much the best of some methods beats votes alone.
func gained(best, votes Curve, others int) string {
	if best.Method == votes.Method {
		return fmt.Sprintf("No other method certifies more on average than %s, by votes alone.",
			votes.Method)
	}
	d := rs.PairedRadius(best.Results, votes.Results, 1-(1-level)/float64(others))
	if !d.Differs() {
		return fmt.Sprintf("No difference from %s, by votes alone, is shown: %v (95%% over images, "+
			"paired).", votes.Method, d)
	}
	return fmt.Sprintf("That is %v more than %s certifies by votes alone (95%% over images, paired).",
		d, votes.Method)
}

// attacked says how far attacks on the classifier come that a method certifies; empty where there
// is none.
func (c conclusion) attacked(best Curve) string {
	at := map[int]rs.Result{}
	for i, index := range c.indices {
		at[index] = best.Results[i]
	}
	entry, _ := rs.MethodByName(best.Method)
	var ratios []float64
	images, inside := 0, 0
	for _, a := range c.attacks {
		r, there := at[a.Index]
		if !there || !certifies(a.Classifier, best.Method) || entry.InBox && !c.box {
			continue
		}
		images++
		if r.Right() && Inside(a.Radius, r.Radius) {
			inside++
		}
		if r.Right() && a.Radius > 0 && !math.IsInf(a.Radius, 1) {
			ratios = append(ratios, r.Radius/a.Radius)
		}
	}
	if images == 0 {
		return ""
	}
	text := "no change of the class within a certified radius"
	if inside > 0 {
		text = fmt.Sprintf("a change of the class within the certified radius of %d", inside)
	}
	text = fmt.Sprintf("Attacks on %d of these images found %s", images, text)
	if n := len(ratios); n > 0 {
		slices.Sort(ratios)
		text += fmt.Sprintf("; the median certified radius is %.0f%% of the smallest change found",
			50*(ratios[(n-1)/2]+ratios[n/2]))
	}
	return text + "."
}

// certifies reports whether a method certifies a classifier of Attacked.
func certifies(classifier, method string) bool {
	for _, c := range Attacked {
		if c.Name == classifier {
			return slices.Contains(c.Methods, method)
		}
	}
	return false
}
