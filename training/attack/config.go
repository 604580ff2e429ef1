package attack

import "github.com/lipsmooth/lipsmooth/rs/certify"

// Config is what decides the attacks that are made on a run. Begin with Default.
type Config = certify.AttackConfig

// Default attacks 50 images under every classifier of the run.
func Default() Config {
	return Config{
		Alpha: certify.Default().Alpha, Tau: -1, Images: 50, Classifiers: []string{certify.All},
		Steps: 20, Samples: 32, Restarts: 1, Trial: 200, Draws: 2000, Seed: 1,
	}
}
