#!/bin/sh
# Puppet and Ansible, for the tests of their drivers, tmux, for those of the live view, mmdebstrap, rpm and man, for those of the packages, graphviz, for graphs, strace,
# for what an agent executes, iproute2 and nftables, for faults of networks:
# from Debian's packages, where this may install them. Where it may not, it says so; those tests are skipped then, and fail in CI.
set -eu

[ "$(id -u)" = 0 ] || echo "not root: the test that installs the packages in a clean machine is skipped."
missing=
command -v puppet >/dev/null && command -v ruby >/dev/null || missing="puppet-agent"
command -v ansible-playbook >/dev/null || missing="$missing ansible-core"
command -v man >/dev/null || missing="$missing man-db"
command -v dot >/dev/null || missing="$missing graphviz"
command -v ip >/dev/null && command -v tc >/dev/null || missing="$missing iproute2"
command -v nft >/dev/null || missing="$missing nftables"
for name in tmux mmdebstrap rpm strace; do
	command -v $name >/dev/null || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "not here, and not installed, as only root on Debian can: $missing. The tests that need them are skipped."
	exit 0
fi

echo "installing for tests: $missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# Services that packages bring stay off: nothing is to converge this machine by itself.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
	trap 'rm -f $policy' EXIT
fi
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 20 "$log"
	echo "they could not be installed: $missing. The tests that need them are skipped, and fail in CI."
fi
rm -f "$log"
