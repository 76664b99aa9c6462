package states

import "regexp"

var (
	clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	stateName   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	argument    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
	serviceName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_])?$`)
	digest      = regexp.MustCompile(`^([0-9a-f]{12})?$`)
	identifier  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
)

// ValidCluster tells whether a name can be a cluster's: a key segment and a DNS label.
func ValidCluster(name string) bool { return clusterName.MatchString(name) }

// ValidNode tells whether a name can be a node's: a key segment and a file name, never "." or "..".
// Every key is spelled with it, so it is no pattern.
func ValidNode(name string) bool {
	if len(name) == 0 || len(name) > 128 || !alphanumeric(name[0]) || !alphanumeric(name[len(name)-1]) {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// ValidState tells whether a name can be a state's.
func ValidState(name string) bool { return stateName.MatchString(name) }

// ValidArgument tells whether a value can be a state's argument at all, whatever the state's own
// pattern says: it is handed to commands whole, so it never starts with a hyphen.
func ValidArgument(value string) bool { return argument.MatchString(value) }

// ValidService tells whether a name can be that of a service that is drained: it becomes a piece of a path
// of Consul's API, and of no other.
func ValidService(name string) bool { return serviceName.MatchString(name) }

// ValidAgain tells whether a value can be what a converge once more is known by; none is empty.
func ValidAgain(id string) bool { return id == "" || ValidID(id) }

// ValidID tells whether a value can be the id of a request, run or transition: a key segment.
func ValidID(id string) bool { return identifier.MatchString(id) }
