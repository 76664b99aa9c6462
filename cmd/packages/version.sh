#!/bin/sh
# version.sh DESCRIBE SECONDS prints a version that dpkg and rpm both order as git does, of what git
# describe says and of when the commit was made:
#
#     v1.2.3              1.2.3
#     v1.3.0-rc1          1.3.0~rc1             before 1.3.0
#     v1.2.3-4-gabc1234   1.2.3+4.gabc1234      after 1.2.3
#     abc1234             0.0.0+20261121112402.gabc1234, where no release was ever tagged
#     ...-dirty           ....dirty             it was built from what no commit has
set -eu

described=${1#v}
case $described in *-dirty) described=${described%-dirty} dirty=dirty ;; *) dirty= ;; esac
number='[0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*'
if ! expr "$described" : "$number\$" \| "$described" : "$number-" >/dev/null; then
	commit=$(printf %s "$described" | tr -c 'A-Za-z0-9.' .)
	expr "$commit" : '[0-9a-f]\{4,\}$' >/dev/null && commit=g$commit
	echo "0.0.0+$(date -u -d "@$2" +%Y%m%d%H%M%S).$commit${dirty:+.dirty}"
	exit
fi
after=$(printf %s "$described" | sed -n 's/.*-\([0-9][0-9]*\)-\(g[0-9a-f]*\)$/\1.\2/p')
[ -z "$after" ] || described=${described%-*-g*}
release=${described%%-*} early=
[ "$release" = "$described" ] || early="~$(printf %s "${described#*-}" | tr -c 'A-Za-z0-9.' .)"
after=$after${dirty:+${after:+.}dirty}
echo "$release$early${after:++$after}"
