package states

// Planned is what a request was made from that somebody planned before: a leader takes it only while
// that still holds.
type Planned struct {
	Plan       string `json:"plan"`       // digest of the file
	Definition string `json:"definition"` // digest of the definition's text
	Nodes      string `json:"nodes"`      // digest of who is alive, and of where everybody is
}
