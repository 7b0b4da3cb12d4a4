package backend

import "time"

const (
	challengeLifetime = 5 * time.Minute
	sessionLifetime   = 24 * time.Hour
)

// IsAlive takes the times at which both were made. Nothing prolongs them, and a logout deletes the session.
func IsAlive(sessionCreated, challengeCreated, now time.Time) bool {
	return now.Before(sessionCreated.Add(sessionLifetime)) && now.Before(challengeCreated.Add(challengeLifetime))
}
