package runner

import "testing"

func TestWhereACgroupLies(t *testing.T) {
	t.Parallel()
	const (
		unified = "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
		hybrid  = "30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		part    = "35 24 0:30 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
	)
	for _, row := range []struct{ name, mounts, own, want string }{
		{"systemd", unified, "0::/system.slice/convergeagent.service\n", "/sys/fs/cgroup/system.slice/convergeagent.service"},
		{"hybrid", hybrid, "9:memory:/x\n0::/\n", "/sys/fs/cgroup/unified"},
		{"a namespace", part, "0::/docker/abc/run\n", "/sys/fs/cgroup/run"},
		{"outside of what is mounted", part, "0::/docker/other\n", ""},
		{"above the namespace", unified, "0::/../other\n", ""},
		{"version 1 alone", "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "9:memory:/x\n", ""},
		{"nothing", "", "", ""},
	} {
		if got := cgroupDir(row.mounts, row.own); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}
