package hclfile

// Inside tells whether every mistake lies within a file of that size.
func Inside(ds Diagnostics, size int) bool {
	for _, d := range ds {
		if d.start < 0 || d.end < d.start || d.end > size || d.File != "" && d.Line < 1 {
			return false
		}
	}
	return true
}
