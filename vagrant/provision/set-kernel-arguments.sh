#!/bin/sh
# Sets kernel arguments for the next boot: each ARGUMENT replaces those of the same name.
# Usage: set-kernel-arguments.sh ARGUMENT...     as root; FROSTLINE_ROOT is for its test
set -eu
root=${FROSTLINE_ROOT-}
file=$root/etc/default/grub

# the words of an argument line without those that are set anew, followed by the new ones
merge() {
	old=$1
	shift
	kept=
	for word in $old; do
		taken=
		for new in "$@"; do [ "${word%%=*}" != "${new%%=*}" ] || taken=1; done
		[ -n "$taken" ] || kept="$kept $word"
	done
	kept="$kept $*"
	echo "${kept# }"
}

# changes the lines `BEFORE ARGUMENTS AFTER` of a file, recognised by BEFORE
change() {
	path=$1 before=$2 after=$3
	shift 3
	changed=$(while IFS= read -r line || [ -n "$line" ]; do
		start=$(printf '%s\n' "$line" | sed -n "s/^\($before\).*$after\$/\1/p")
		if [ -n "$start" ]; then
			arguments=${line#"$start"}
			line=$start$(merge "${arguments%"$after"}" "$@")$after
		fi
		printf '%s\n' "$line"
	done < "$path")
	printf '%s\n' "$changed" > "$path"
}

if command -v grubby > /dev/null; then
	for new in "$@"; do grubby --update-kernel=ALL --remove-args="${new%%=*}"; done
	grubby --update-kernel=ALL --args="$*"
elif [ -e "$root/etc/kernel/cmdline" ] && command -v kernel-install > /dev/null; then
	merged=$(merge "$(cat "$root/etc/kernel/cmdline")" "$@")
	echo "$merged" > "$root/etc/kernel/cmdline"
	for entry in "$root"/boot/loader/entries/*.conf "$root"/efi/loader/entries/*.conf "$root"/boot/efi/loader/entries/*.conf; do
		if [ -e "$entry" ]; then change "$entry" 'options[[:space:]]*' '' "$@"; fi
	done
elif [ -e "$file" ]; then
	grep -q '^GRUB_CMDLINE_LINUX=' "$file" || echo 'GRUB_CMDLINE_LINUX=""' >> "$file"
	change "$file" 'GRUB_CMDLINE_LINUX="' '"' "$@"
	if command -v update-grub > /dev/null; then
		update-grub
	else
		for config in "$root/boot/grub2/grub.cfg" "$root/boot/grub/grub.cfg"; do
			if [ -e "$config" ]; then grub2-mkconfig -o "$config" || grub-mkconfig -o "$config"; fi
		done
	fi
elif [ -e "$root/boot/extlinux/extlinux.conf" ]; then
	change "$root/boot/extlinux/extlinux.conf" '[[:space:]]*[Aa][Pp][Pp][Ee][Nn][Dd][[:space:]]*' '' "$@"
else
	echo 'set-kernel-arguments: no GRUB, systemd-boot or extlinux is there' >&2
	exit 69
fi
