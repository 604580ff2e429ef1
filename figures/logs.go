package figures

import (
	"fmt"
	"strings"

	"github.com/lipsmooth/lipsmooth/rs"
	"github.com/lipsmooth/lipsmooth/rs/certify"
)

// methodOfLogs is the one that public logs were certified by (Cohen et al. 2019).
const methodOfLogs = "mono"

func drawLogs(in Input) (*Figure, error) {
	if len(in.Beside) == 0 {
		return nil, lacks("logs", "no other run or public log", needsBeside)
	}
	if err := in.checkAlpha("logs"); err != nil {
		return nil, err
	}
	var curves []certify.Curve
	caption := "without a run"
	if len(in.Runs) > 0 {
		s, err := in.first("logs")
		if err != nil {
			return nil, err
		}
		largest := 0.0
		for _, method := range []string{methodOfLogs, "adaptive", "margin", "distance"} {
			own, err := s.Certify(in.config(method))
			if err != nil && method == methodOfLogs {
				return nil, fmt.Errorf("figure logs: %w", err)
			}
			if err != nil {
				continue
			}
			results := own.Curves[0].Results
			average := rs.AverageRadius(results)
			if entry, _ := rs.MethodByName(method); entry.Noiseless && average <= largest {
				continue
			}
			largest = max(largest, average)
			curves = append(curves, certify.Curve{Method: curve(s, method), Results: results})
		}
		caption = "this run: " + s.Settings(in.config()).Caption()
	}
	var names []string
	for _, o := range in.Beside {
		names = append(names, o.Name)
	}
	common, logged, images, source := commonWords(names), 0, 0, ""
	for _, o := range in.Beside {
		c := certify.Curve{Method: strings.ReplaceAll(strings.TrimPrefix(o.Name, common), "_", " "),
			Results: o.Results}
		if o.Run != nil {
			own, err := o.Run.Certify(in.config(methodOfLogs))
			if err != nil {
				return nil, fmt.Errorf("figure logs: %s: %w", o.Name, err)
			}
			c.Method, c.Results = c.Method+": "+curve(o.Run, methodOfLogs), own.Curves[0].Results
			caption += fmt.Sprintf("; %s: %s", o.Name, o.Run.Settings(in.config()).Caption())
		} else if o.Source != "" {
			source = "; published curves: " + o.Source
		} else {
			logged, images = logged+1, images+len(o.Results)
		}
		curves = append(curves, c)
	}
	if logged > 0 {
		caption += fmt.Sprintf("; %d public tables, of the data that their names say: "+
			"certificates as logged, %d images in all", logged, images)
	}
	caption += source
	f, err := Curves(certify.Settings{}, curves, []string{})
	if err != nil {
		return nil, fmt.Errorf("figure logs: %w", err)
	}
	f.Name, f.Title, f.Caption = "logs", "Certified accuracy beside other logs", caption
	if common != "" {
		f.Title = "Certified accuracy beside " + strings.TrimRight(common, "_")
		if len(in.Runs) > 0 && !strings.Contains(common, strings.ToLower(in.Runs[0].Dataset.Name)) {
			f.Title += ", of other images than " + in.Runs[0].Dataset.Name
		}
	}
	return f, nil
}

// curve names a run's certificates beside those of other runs: the model, the dataset, the noise
// and the method.
func curve(r *certify.Run, method string) string {
	return fmt.Sprintf("%s, σ = %g, %s", r.Settings(certify.Config{}).Place(), r.Sigma, method)
}

// commonWords returns the longest common beginning of several names, in words that end with an
// underscore, without the last of these words. That last word says in what the names differ.
func commonWords(names []string) string {
	if len(names) < 2 {
		return ""
	}
	common := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	common = common[:strings.LastIndexByte(common, '_')+1]
	return common[:strings.LastIndexByte(strings.TrimSuffix(common, "_"), '_')+1]
}
