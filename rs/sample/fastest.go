package sample

import "context"

// Fastest returns which of the drawers takes the fewest seconds for the run of a plan, by an
// estimate of each. The choice depends on the machine and the moment. The draws of a run depend on
// what draws it, so two runs of one seed may differ.
func Fastest(ctx context.Context, p Plan, all ...*Drawer) (best int, each []Estimate, err error) {
	for i, d := range all {
		e, err := d.Estimate(ctx, p)
		if err != nil {
			return 0, nil, err
		}
		if each = append(each, e); e.Seconds < each[best].Seconds {
			best = i
		}
	}
	return best, each, nil
}
