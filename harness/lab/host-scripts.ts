/** Where everything of ours is on a host: a folder for each machine, open to root alone. */
export const base = '/var/lib/frostline';

/** The file in a machine's folder that is locked as long as the machine lives. */
export const presence = 'alive';

/**
 * Held while a frostline is at work on a host, one at a time: the groups of two would disturb each other. It has the
 * name of the folder of who held it last. It is never removed, since who then makes it anew holds another than who waits
 * for the one that is gone; being empty of all else, and in a file system that a boot begins anew, it may stay.
 */
const lock = '/run/frostline.lock';

/** Takes the lock on descriptor 9; in the moments in which another frostline comes or goes it is tried again. */
const takeLock = `take_lock() {
	tries=0
	until flock -n 9; do
		[ $tries -lt 5 ] || { echo "frostline: another frostline is at work on this host" >&2; exit 75; }
		tries=$((tries + 1))
		sleep 1
	done
}`;

/**
 * What gives frostbite a view of its own, in a mount namespace that ends with it: the freezers of both versions as
 * frostline's own guests have them, whatever the distro mounted. No reboot is needed for that: `freezer` and
 * `devices` are controllers of v1 alone, so that a unified hierarchy cannot be using them, and v2's freezer is no
 * controller. Mounting a controller that v2 has, such as memory, would take it from the host's own groups: none is.
 *
 * Who begins to serve clears first what the dead left, so that a machine that is taken down while another frostline is
 * at work has nothing to clear, and nothing to wait for.
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

/** Removes a machine's folder with all that its frostbite made, if that was not done before. */
export const remove = (id: string): string =>
  `if [ -x ${base}/${id}/enter ]; then ${base}/${id}/enter clean > /dev/null; fi; rm -rf ${base}/${id}; rmdir ${base} 2> /dev/null || true`;

/** What the host says once a machine's folder is whole. */
export const readyWord = 'frostline: ready';
/** How it ends otherwise: another frostline is at work; what came is not what was sent. */
export const exitCodes = { busy: 75, damaged: 77 } as const;

export interface Brought {
  readonly id: string;
  /** Where the files are that were brought. */
  readonly from: string;
  /** SHA-256 of frostbite. */
  readonly hash: string;
  /** Whether all of it is removed when the connection ends: on a host that goes on without us. */
  readonly isGuest: boolean;
}

/**
 * What root does with the files that were brought: clears what dead machines left, makes the folder, and loads
 * what workloads need and the kernel has. Under SELinux frostbite gets the type of the programs in /usr/bin. Then it
 * stays, holding a lock in the folder that tells the living from the dead, until its input ends: with the machine, or
 * with the connection.
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
/** For whatever shell the user logs in with. */
export const sh = (script: string): string => `sh -c ${quote(script)}`;
