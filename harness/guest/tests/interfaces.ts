/** A kernel interface that the guest uses and that some kernels from 3.10 on lack. */
export interface Newer {
  /** The first kernel that has it. */
  readonly since: string;
  /** What happens on a kernel without it. */
  readonly without: string;
}

/** Calls of libc that use no system call newer than 3.10, or none at all. */
export const calls: readonly string[] = `
  __ctype_b_loc __errno_location __popcountdi2 _exit abort accept accept4 access bind calloc cfmakeraw cfsetspeed
  clock_gettime close closedir connect dup dup2 environ epoll_create1 epoll_ctl err execl execv execvpe fchmod fclose fcntl fdopen fdopendir
  fexecve fflush fgets flock fopen fork fprintf fputc free fscanf fstat fstatat fstatfs fsync ftruncate fwrite getenv geteuid
  getpgrp getpid getppid getsockname glob globfree if_nametoindex inet_pton ioctl kill listen lseek lstat memchr
  memcpy memmove memset mkdir mkdirat mkdtemp mkfifo mknod mkostemp mkstemp mmap mount munmap nanosleep nftw open
  openat opendir pause perror pipe pipe2 poll posix_memalign ppoll prctl pread printf pthread_attr_init
  pthread_attr_setstacksize pthread_create pthread_join pthread_self ptrace putchar puts raise read readdir readlink
  reboot recv recvmsg remove rename rmdir send sendfile sendmsg sendto setenv setpgid setsid setsockopt settimeofday
  sigaction sigaddset sigemptyset signal sigprocmask sigwait snprintf socket socketpair sscanf stat statfs statvfs
  stderr stdout stpcpy strchr strcmp strcpy strcspn strerror strlen strncmp strrchr strsep strspn strstr strtok_r
  strtol strtoll strtoull sync syscall sysconf tcgetattr tcsetattr umount2 uname unlink unlinkat unshare vfork vprintf
  vsnprintf waitpid write`
  .trim()
  .split(/\s+/);

/** System calls, requests of ioctl(2), prctl(2) and ptrace(2), and flags that 3.10 knows. */
export const known: readonly string[] = `
  CLONE_NEWNS CLONE_NEWPID DM_DEV_CREATE DM_DEV_REMOVE DM_DEV_SUSPEND DM_LIST_DEVICES DM_NOFLUSH_FLAG DM_SKIP_LOCKFS_FLAG
  DM_SUSPEND_FLAG DM_TABLE_LOAD DM_VERSION FIFREEZE FITHAW FUTEX_WAIT FUTEX_WAKE LOOP_CTL_GET_FREE LOOP_SET_FD
  LOOP_SET_STATUS64 LO_FLAGS_AUTOCLEAR MNT_DETACH MNT_FORCE NBD_DO_IT NBD_SET_BLKSIZE NBD_SET_SIZE_BLOCKS NBD_SET_SOCK
  PR_SET_CHILD_SUBREAPER PR_SET_NAME PR_SET_PDEATHSIG PTRACE_DETACH PTRACE_GETSIGINFO PTRACE_INTERRUPT PTRACE_SEIZE
  RNDADDENTROPY SCM_CREDENTIALS SCM_RIGHTS SIOCSIFADDR SIOCSIFFLAGS SIOCSIFNETMASK SO_PASSCRED SO_REUSEADDR SYS_close SYS_exit
  SYS_finit_module SYS_futex SYS_mkdir SYS_open SYS_openat SYS_pread64 SYS_rmdir SYS_unlinkat SYS_write TIOCGSERIAL
  VHOST_SET_OWNER`
  .trim()
  .split(/\s+/);

/** Files of /proc, /sys, /dev and cgroups, and their fields, that 3.10 has if configured. */
export const files: readonly string[] = `
  /dev /dev/dm-%u /dev/fuse /dev/kmsg /dev/loop%d /dev/loop-control /dev/mapper/control /dev/nbd0 /dev/null /dev/pts /dev/shm
  /dev/shm/frostbite-* /dev/ttyS1 /dev/urandom /dev/vhost-net /proc /proc/%d/cmdline /proc/%d/comm
  /proc/cmdline /proc/filesystems /proc/self/exe /proc/self/fd/%d /proc/self/mountinfo /proc/self/mounts /proc/self/task
  /proc/sys/kernel/core_pattern /proc/sys/kernel/random/boot_id /proc/sys/kernel/sysrq /proc/sys/net/ipv6/conf/ /sys
  /sys/block/nbd0/ /sys/fs/cgroup /sys/fs/cgroup/%s /sys/fs/cgroup/devices/frostline-* /sys/fs/cgroup/freezer
  /sys/fs/cgroup/unified /sys/kernel/rcu_expedited blkio.throttle.read_bps_device cgroup.procs freezer.parent_freezing
  freezer.self_freezing freezer.state memory.limit_in_bytes memory.oom_control SigPnd: Tgid:`
  .trim()
  .split(/\s+/);

const ring: Newer = { since: '5.1', without: 'io-uring is unsupported: ENOSYS' };
const randomness: Newer = { since: '3.17', without: 'random numbers are not waited for' };
const userfault: Newer = { since: '4.3', without: 'uffd-user and uffd-kernel are unsupported: ENOSYS' };

/** What came after 3.10. */
export const newer: Readonly<Record<string, Newer>> = {
  SYS_io_uring_setup: ring,
  SYS_io_uring_enter: ring,
  IORING_OFF_SQES: ring,
  IORING_OFF_SQ_RING: ring,
  IORING_OP_SPLICE: { since: '5.7', without: 'io-uring is unsupported: its probe ends with EINVAL' },
  IOSQE_ASYNC: { since: '5.6', without: 'io-uring is unsupported: its probe ends with EINVAL' },
  SYS_openat2: { since: '5.6', without: "runc's calls are those it uses there: open(2) and fstatfs(2)" },
  SYS_userfaultfd: userfault,
  UFFDIO_API: userfault,
  UFFDIO_REGISTER: userfault,
  UFFDIO_REGISTER_MODE_MISSING: userfault,
  UFFD_API: userfault,
  UFFD_EVENT_PAGEFAULT: userfault,
  SYS_getrandom: randomness,
  SYS_memfd_create: { since: '3.17', without: 'a file that has lost its name' },
  RNDRESEEDCRNG: { since: '4.14', without: 'EINVAL is no failure: RNDADDENTROPY has mixed the seed in' },
  'NStgid:': { since: '4.1', without: 'processes of containers say who they are over a socket' },
  'cgroup.controllers': { since: '4.5', without: 'there is no v2 hierarchy that could have controllers' },
  'cgroup.events': { since: '4.5', without: 'v2 is unsupported: no cgroup2 is mounted' },
  'cgroup.freeze': { since: '5.2', without: 'v2 is unsupported: no cgroup.freeze' },
  'cgroup.threads': { since: '4.14', without: 'v2 is unsupported: no cgroup.freeze' },
  'cgroup.stat.local': { since: '6.18', without: 'steps that look at frozen_usec are unsupported' },
};
