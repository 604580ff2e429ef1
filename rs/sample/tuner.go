package sample

// tuner finds the fastest number of blocks at once from the draws of a long run. It doubles the
// number while that helps. It tries one block where four are no better than two.
type tuner struct {
	at      int // blocks at once
	most    int // of them
	done    bool
	best    int
	rate    float64 // of best, in blocks a second
	batches int     // drawn at this number
	fastest float64 // of them, in seconds
	seconds float64 // of all of them
}

const (
	firstBatch   = 2
	mostBatch    = 1 << 8
	mostBytes    = 1 << 28 // of the images of a batch
	tunedBatches = 3
	tunedSeconds = 0.3
	tunedGain    = 1.03 // that a number is better by
	worthTuning  = 30.0 // seconds left to draw
)

// newTuner draws batch blocks at once, or finds their number for blocks of this many bytes.
func newTuner(batch, bytes int) tuner {
	switch most := min(mostBatch, mostBytes/bytes); {
	case batch > 0:
		return tuner{at: batch, done: true}
	case most < firstBatch:
		return tuner{at: 1, done: true}
	default:
		return tuner{at: firstBatch, most: most}
	}
}

// took tells the tuner how long a full batch took, and how many blocks are left.
func (t *tuner) took(seconds float64, left int) {
	if t.done {
		return
	}
	if t.batches == 0 || seconds < t.fastest {
		t.fastest = seconds
	}
	t.batches++
	t.seconds += seconds
	if t.batches < tunedBatches || t.seconds < tunedSeconds {
		return
	}
	t.batches, t.seconds = 0, 0
	rate := float64(t.at) / t.fastest
	better := rate > tunedGain*t.rate
	if better {
		t.best, t.rate = t.at, rate
	}
	switch {
	case float64(left) < worthTuning*t.rate || t.at < firstBatch:
		t.done = true
	case better && 2*t.at <= t.most:
		t.at *= 2
	case t.at == 2*firstBatch:
		t.at = firstBatch / 2
	default:
		t.done = true
	}
	if t.done {
		t.at = t.best
	}
}
