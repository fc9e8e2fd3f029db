import { cgroupVersions, type CgroupVersion } from '../../matrix/matrix.ts';

/** Lets systemd 256 and 257 have v1 at all. Earlier versions do not know it; later ones have no v1. */
const legacy = 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1';
/** Kernel arguments that make systemd mount each cgroup set-up (systemd(1), "Kernel command line"). */
export const cgroupArguments: Readonly<Record<CgroupVersion, string>> = {
  v1: `systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1 ${legacy}`,
  hybrid: `systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0 ${legacy}`,
  v2: 'systemd.unified_cgroup_hierarchy=1',
};

/** Shell code that prints which cgroup set-up systemd has mounted. */
export const askCgroup = `case $(stat -fc %T /sys/fs/cgroup) in
cgroup2fs) echo v2 ;;
*) if grep -q ' /sys/fs/cgroup/unified cgroup2 ' /proc/mounts; then echo hybrid; else echo v1; fi ;;
esac`;

/** The set-up that `askCgroup` printed; undefined when frostline does not know it. */
export const readCgroup = (text: string): CgroupVersion | undefined =>
  cgroupVersions.find((one) => one === text.trim());
