package states

// ServiceInstance is one registration of a service on a node's Consul agent.
type ServiceInstance struct {
	ID          string
	Maintenance bool   // it is out of the traffic
	Reason      string // whoever put it there said so
}

// DrainReason is what a run writes where it puts an instance into maintenance. A run's id is in no
// two of them, so that whose maintenance it is can be told by the reason alone.
func (r Run) DrainReason() string { return "orch run " + r.ID + " to " + r.State.String() }

// LongestWait is how long a run waits when it has drained all of them: their waits pass together.
func LongestWait(drains []Drain) Duration {
	var longest Duration
	for _, drain := range drains {
		longest = max(longest, drain.Wait)
	}
	return longest
}
