import { cgroupVersions, type CgroupVersion } from '../../matrix/matrix.ts';

/**
 * Kernel arguments by which systemd mounts each set-up (systemd(1), "Kernel command line"); the last lets
 * systemd 256 and 257 have v1 at all, those before do not know it, those after have none.
 */
const legacy = 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1';
export const cgroupArguments: Readonly<Record<CgroupVersion, string>> = {
  v1: `systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1 ${legacy}`,
  hybrid: `systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0 ${legacy}`,
  v2: 'systemd.unified_cgroup_hierarchy=1',
};

/** Prints which set-up systemd has mounted. */
export const askCgroup = `case $(stat -fc %T /sys/fs/cgroup) in
cgroup2fs) echo v2 ;;
*) if grep -q ' /sys/fs/cgroup/unified cgroup2 ' /proc/mounts; then echo hybrid; else echo v1; fi ;;
esac`;

/** Undefined when it is none that frostline knows. */
export const readCgroup = (text: string): CgroupVersion | undefined =>
  cgroupVersions.find((one) => one === text.trim());
