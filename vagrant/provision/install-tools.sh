#!/bin/sh
# Installs container tools from the distro's own packages; leaves installed ones alone.
# Usage: install-tools.sh TOOL...     as root
set -eu
missing=
for tool in "$@"; do command -v "$tool" > /dev/null || missing="$missing $tool"; done
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086 # a list of names
if command -v apt-get > /dev/null; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends $missing
elif command -v dnf > /dev/null; then
	dnf install -y -q $missing
elif command -v yum > /dev/null; then
	yum install -y -q $missing
elif command -v zypper > /dev/null; then
	zypper --non-interactive --quiet install $missing
else
	echo "install-tools: none of apt-get, dnf, yum and zypper is there" >&2
	exit 69
fi
for tool in "$@"; do
	command -v "$tool" > /dev/null || { echo "install-tools: $tool is not in this distro's packages" >&2; exit 69; }
done
