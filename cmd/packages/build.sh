#!/bin/sh
# Builds the packages of orch and of convergeagent, .deb and .rpm for each architecture. The same commit
# gives the same bytes, wherever it is built with the same Go. These can be set:
#
#     OUT         folder for the packages         bin/packages
#     ARCHES      architectures, in Go's words    amd64 arm64
#     PROGRAMS    which to pack                   orch convergeagent
#     VERSION     what git describe would say
#     MAINTAINER  whoever answers for them, as in "Ops <ops@example.com>"
#
# They are not signed: who has a repository signs there.
set -eu
cd "$(dirname "$0")/../.."

out=${OUT:-bin/packages}
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
PACKAGE_VERSION=$(cmd/packages/version.sh "$version" "$SOURCE_DATE_EPOCH")
MAINTAINER=${MAINTAINER:-orch <root@localhost>}
programs=${PROGRAMS:-orch convergeagent}
packages=$(printf './cmd/%s ' $programs)
work=$(mktemp -d)
STAGE=$work/stage
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH PACKAGE_VERSION MAINTAINER STAGE ARCH BIN

# compile OS ARCH puts the programs into $BIN.
compile() {
	BIN=$work/$1-$2
	[ -d "$BIN" ] || CGO_ENABLED=0 GOOS=$1 GOARCH=$2 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -X main.version=$version" -o "$BIN/" $packages
}

# document PROGRAM writes what the program says of itself: man pages, completions, and what it is made of.
document() {
	"$BIN/$1" man "$STAGE/man"
	for shell in bash zsh fish; do
		"$BIN/$1" completion $shell >"$STAGE/completion/$1.$shell"
	done
	{
		printf '%s is under the Apache License 2.0, which is at the end. It contains these Go modules;\n' "$1"
		printf 'their sources, licences among them, are had with: go mod download MODULE@VERSION\n\n'
		go version -m "$BIN/$1" | awk '$1 == "dep" { print "    " $2 "@" $3 }'
		printf '\n'
		cat LICENSE
	} >"$STAGE/copyright/$1"
}

mkdir -p "$out" "$STAGE/man" "$STAGE/completion" "$STAGE/copyright"
compile "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)"
for program in $programs; do
	document "$program"
done
gzip -9n "$STAGE"/man/*

for ARCH in ${ARCHES:-amd64 arm64}; do
	compile linux "$ARCH"
	for package in $programs; do
		for kind in deb rpm; do
			go tool -modfile=cmd/packages/nfpm/go.mod nfpm package --config cmd/packages/$package/nfpm.yaml --packager $kind --target "$out/"
		done
	done
done
