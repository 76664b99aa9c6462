package runner

import "time"

// Times of a run's end.
const (
	leaveTime     = 200 * time.Millisecond  // in which what a converge leaves behind may end by itself, as the end of a pipe does
	leftoverGrace = 1500 * time.Millisecond // in which it may end once it is told to
	drainTime     = time.Second             // for output that is still in the pipe when nothing of the run is alive
	liveTime      = 500 * time.Millisecond  // between two looks at what a run says
	awaitTime     = 100 * time.Millisecond  // between two looks whether a runner is alive
	sleepTime     = time.Second             // between two looks whether the machine slept
	hostTime      = 200 * time.Millisecond  // between two tries to get the host
)

// cgroupPrefix begins the names of the cgroups of runs.
const cgroupPrefix = "convergeagent-"
