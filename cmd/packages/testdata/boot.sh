#!/bin/sh
# boot.sh ROOT: becomes the systemd of a machine whose files are below ROOT. It is started in PID, mount,
# UTS and IPC namespaces of its own, and in a cgroup that is the machine's. The network is this host's.
# The kernel is, too: what would change it is read-only, or beyond the machine's capabilities.
set -eu
cd "$1"
mount --make-rprivate /
mount --bind . .
cd "$1"

mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=0755 tmpfs dev
for device in null zero full random urandom tty; do
	: >dev/$device
	mount --bind /dev/$device dev/$device
done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx

pivot_root . mnt
umount -l /mnt
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test \
	setpriv --bounding-set=-sys_time,-sys_module,-sys_boot,-sys_rawio /lib/systemd/systemd --unit=multi-user.target
