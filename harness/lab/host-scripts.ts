/** The folder for all of frostline's files on a host: one subfolder per machine, accessible to root alone. */
export const base = '/var/lib/frostline';

/** The file in a machine's folder that stays locked while the machine is alive. */
export const presence = 'alive';

/**
 * Held while a frostline works on a host: only one may at a time, since the cgroups of two would disturb each other. It
 * contains the folder name of its last holder. It is never removed: otherwise one process could lock a newly made file
 * while another waits for the deleted one. Leaving it is harmless: it holds nothing else, and a boot empties /run.
 */
const lock = '/run/frostline.lock';

/** Takes the lock on file descriptor 9. Retries for 5 s: another frostline holds it briefly as it comes or goes. */
const takeLock = `take_lock() {
	tries=0
	until flock -n 9; do
		[ $tries -lt 5 ] || { echo "frostline: another frostline is at work on this host" >&2; exit 75; }
		tries=$((tries + 1))
		sleep 1
	done
}`;

/**
 * Script that runs frostbite in a mount namespace of its own, with the freezers of both cgroup versions mounted as in
 * frostline's own guests, whatever the distro mounted. That takes no reboot: `freezer` and `devices` are controllers of
 * v1 alone, so a unified hierarchy cannot be using them, and v2's freezer is no controller. Mounting a controller that
 * v2 has, such as memory, would take it from the host's own cgroups, so none is mounted.
 *
 * `serve` first cleans up after dead machines. So a machine that is taken down while another frostline is at work has
 * nothing to clean up, and nothing to wait for.
 */
export const enter = `#!/bin/sh
# Made by frostline; removed when its machine is done. Usage: enter serve|clean
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/frostline/sbin:/frostline/bin
dir=\${0%/*}
${takeLock}
clean() {
	until flock -n 9; do
		[ "$(cat ${lock})" = "\${dir##*/}" ] || return 0
		sleep 1
	done
	unshare -m "$0" clean inside 9>&-
}
serve() {
	take_lock
	echo "\${dir##*/}" > ${lock}
	unshare -m "$0" clean inside < /dev/null > /dev/null 9>&-
	# the lock is kept for as long as frostbite lives, even when a terminal that goes away tells this shell to end
	trap : HUP INT TERM
	unshare -m "$0" serve inside 9>&-
}
if [ "$2" != inside ]; then
	exec 9>> ${lock}
	"$1"
	exit
fi
mount --make-rslave / || exit 76
mount --bind /tmp /tmp
umount -l /sys/fs/cgroup 2> /dev/null
mount -t tmpfs -o mode=755 frostline /sys/fs/cgroup || exit 76
for controller in freezer devices; do
	mkdir "/sys/fs/cgroup/$controller"
	mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" 2> /dev/null || rmdir "/sys/fs/cgroup/$controller"
done
mkdir /sys/fs/cgroup/unified
mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified 2> /dev/null || rmdir /sys/fs/cgroup/unified
FROSTLINE_EXT4_IMAGE=$dir/ext4.img exec "$dir/frostbite" "$1"
`;

/** Shell code that removes a machine's folder and everything its frostbite made, if that was not done before. */
export const remove = (id: string): string =>
  `if [ -x ${base}/${id}/enter ]; then ${base}/${id}/enter clean > /dev/null; fi; rm -rf ${base}/${id}; rmdir ${base} 2> /dev/null || true`;

/** The line that the host prints once a machine's folder is complete. */
export const readyWord = 'frostline: ready';
/** Exit codes of a failed installation: another frostline is at work; frostbite arrived with the wrong checksum. */
export const exitCodes = { busy: 75, damaged: 77 } as const;

export interface Brought {
  readonly id: string;
  /** The folder that holds the transferred files. */
  readonly from: string;
  /** SHA-256 of frostbite. */
  readonly hash: string;
  /** Whether everything is removed when the connection ends: for a host that outlives the run. */
  readonly isGuest: boolean;
}

/**
 * Script that installs the transferred files as root: it cleans up after dead machines, makes the folder, and loads the
 * modules that workloads need, as far as the kernel has them. Under SELinux frostbite gets the type of the programs in
 * /usr/bin. The script then holds a lock in the folder, which marks the machine as alive, until its input ends: with
 * the machine, or with the connection.
 */
export const install = ({ id, from, hash, isGuest }: Brought): string => `set -e
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
umask 077
for need in flock unshare; do
	command -v $need > /dev/null || { echo "$need is not there: it is in util-linux" >&2; exit 69; }
done
${takeLock}
exec 9>> ${lock}
take_lock
for old in ${base}/host-*; do
	[ -d "$old" ] || continue
	(
		flock -n 8 || exit 0
		if [ -x "$old/enter" ]; then unshare -m "$old/enter" clean inside > /dev/null 8>&- 9>&- || true; fi
		rm -rf "$old"
	) 8>> "$old/${presence}" || true
done
# another frostline that leaves removes the folder above where it is empty
mkdir -p ${base}/${id} || mkdir -p ${base}/${id}
exec 8>> ${base}/${id}/${presence}
flock 8
cp ${from}/frostbite ${from}/ext4.img ${from}/enter ${base}/${id}/
[ "$(sha256sum < ${base}/${id}/frostbite | cut -d " " -f 1)" = ${hash} ] || exit ${exitCodes.damaged}
chmod 0755 ${base}/${id}/frostbite ${base}/${id}/enter
if [ -e /sys/fs/selinux/enforce ]; then chcon -t bin_t ${base}/${id}/frostbite ${base}/${id}/enter || true; fi
for module in fuse loop ext4 dm_mod vhost_net; do modprobe -q $module 2> /dev/null || true; done
modprobe -q nbd nbds_max=1 max_part=0 2> /dev/null || true
echo frostline-${id} > /dev/kmsg 2> /dev/null || true
exec 9>&-
trap "" HUP
echo ${readyWord}
cat > /dev/null || true
${isGuest ? remove(id) : ''}
`;

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** Wraps a script so that it runs under any login shell. */
export const sh = (script: string): string => `sh -c ${quote(script)}`;
