#define _GNU_SOURCE
#include "frostbite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * PID 1 of a guest without a distro: mounts, modules, network and the SSH server. One process rather than a
 * start-up script, since each program that a shell starts costs some 15 ms under emulation.
 */

/* Where our files are if the root is a userland's. */
#define OWN_FOLDER "/frostline"
#define SEARCH_PATH                                                                                           \
	OWN_FOLDER "/sbin:" OWN_FOLDER "/bin:" OWN_FOLDER "/usr/sbin:" OWN_FOLDER "/usr/bin:"                 \
		   "/sbin:/bin:/usr/sbin:/usr/bin"
/* The network card; QEMU's user network knows the guest by this address. */
#define CARD "eth0"
#define ADDRESS "10.0.2.15"
#define NETMASK "255.255.255.0"
#define CARD_US 2000000
#define SSH_US 20000000

static bool mount_at(const char *type, const char *path, const char *options)
{
	mkdir(path, 0755);
	return mount(type, path, type, 0, options) == 0;
}

/*
 * Mounts both freezers side by side: a controller cannot be on v1 and v2 at once, but v2's freezer is not a
 * controller. runc refuses v1 without the devices controller.
 */
static void mount_groups(void)
{
	static const char *const controllers[] = { "freezer", "devices" };
	char path[64];

	mount_at("tmpfs", "/sys/fs/cgroup", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", controllers[i]);
		if (!mount_at("cgroup", path, controllers[i]))
			rmdir(path);
	}
	if (!mount_at("cgroup2", "/sys/fs/cgroup/unified", NULL))
		rmdir("/sys/fs/cgroup/unified");
}

static bool set_address(int fd, unsigned long request, const char *address)
{
	struct ifreq r = { .ifr_name = CARD };
	struct sockaddr_in in = { .sin_family = AF_INET };

	inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&r.ifr_addr, &in, sizeof(in));
	return ioctl(fd, request, &r) == 0;
}

static bool set_up(int fd, const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_UP | IFF_RUNNING };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	return ioctl(fd, SIOCSIFFLAGS, &r) == 0;
}

static bool card_is_there(void *arg)
{
	(void)arg;
	return if_nametoindex(CARD) != 0;
}

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "frostline: %s: %s\n", path, strerror(errno));
	close(fd);
}

static void start_network(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		fprintf(stderr, "frostline: cannot be reached: this kernel has no IPv4: %s\n", strerror(errno));
		return;
	}
	set_up(fd, "lo");
	bool is_there = wait_until(card_is_there, NULL, CARD_US);

	/* nobody uses IPv6 here: skips its start-up, which would also follow each wake-up of a clone */
	set("/proc/sys/net/ipv6/conf/" CARD "/disable_ipv6", "1");
	if (!is_there || !set_address(fd, SIOCSIFADDR, ADDRESS) || !set_address(fd, SIOCSIFNETMASK, NETMASK) ||
	    !set_up(fd, CARD))
		fprintf(stderr, "frostline: cannot be reached: this kernel has no driver for the network card "
				"(virtio_net on PCI, or e1000)\n");
	close(fd);
}

/*
 * Listens itself and forks for each connection. It would also re-execute itself, which costs more than the rest of
 * a connection, but cannot under a name that is not a file. It reads its host key as late as possible (-R).
 */
static pid_t start_ssh(void)
{
	static const char own[] = OWN_FOLDER;
	const char *root = access(own, F_OK) == 0 ? own : "";
	char loader[64], libraries[64], dropbear[64];
	pid_t pid = fork();

	if (pid < 0)
		fprintf(stderr, "frostline: fork of the SSH server: %s\n", strerror(errno));
	if (pid != 0)
		return pid;
	snprintf(loader, sizeof(loader), "%s/lib64/ld-linux-x86-64.so.2", root);
	snprintf(libraries, sizeof(libraries), "%s/lib/x86_64-linux-gnu", root);
	snprintf(dropbear, sizeof(dropbear), "%s/usr/sbin/dropbear", root);
	setsid();
	execl(loader, loader, "--argv0", "dropbear", "--library-path", libraries, dropbear, "-F", "-E", "-s", "-j", "-k",
	      "-R", "-p", "0.0.0.0:22", NULL);
	fprintf(stderr, "frostline: %s: %s\n", loader, strerror(errno));
	_exit(127);
}

/* Whether someone listens on the port: nobody else can bind it then. */
static bool listens(void *arg)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(22) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)arg;
	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	bool is_taken = bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 && errno == EADDRINUSE;

	close(fd);
	return is_taken;
}

static volatile sig_atomic_t ending;

static void note(int signal)
{
	if (signal != SIGCHLD)
		ending = signal;
}

/* Does what busybox's reboot, poweroff and halt ask of PID 1. */
static void end_machine(int signal)
{
	sync();
	reboot(signal == SIGTERM ? RB_AUTOBOOT : signal == SIGUSR2 ? RB_POWER_OFF : RB_HALT_SYSTEM);
}

/* Runs forever: reaps orphans, ends the machine on request, and serves the serial line if there is one. */
static void keep_up(pid_t ssh)
{
	static const int signals[] = { SIGCHLD, SIGTERM, SIGUSR1, SIGUSR2 };
	const struct sigaction action = { .sa_handler = note };
	sigset_t blocked, before;
	struct pollfd line = { .fd = line_open(), .events = POLLIN };

	sigemptyset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	/* delivered only while it waits in ppoll */
	sigprocmask(SIG_BLOCK, &blocked, &before);
	/* the SSH server loads it at the first connection; by then a clone has a key of its own */
	rename("/etc/dropbear/host_key", HOST_KEY);
	fprintf(stderr, "frostline: ready\n");
	for (;;) {
		for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
			if (pid == ssh)
				fprintf(stderr, "frostline: the SSH server has ended\n");
		}
		if (ending)
			end_machine(ending);
		if (ppoll(&line, 1, NULL, &before) > 0 && !line_read(line.fd))
			line.fd = -1;
	}
}

int init_start(void)
{
	setenv("PATH", SEARCH_PATH, 1);
	/* starts on another CPU meanwhile */
	pid_t ssh = start_ssh();

	mount_at("devpts", "/dev/pts", NULL);
	mount_at("tmpfs", "/dev/shm", NULL);
	mount_at("tmpfs", "/tmp", NULL);
	mount_at("tmpfs", "/run", NULL);
	mount_groups();
	start_network();
	set("/proc/sys/kernel/sysrq", "1");
	if (!wait_until(listens, NULL, SSH_US))
		fprintf(stderr, "frostline: the SSH server does not listen\n");
	keep_up(ssh);
	return 70;
}

static bool has_disk(void)
{
	char words[4096] = "";
	FILE *f = fopen("/proc/cmdline", "re");
	bool has = f && fgets(words, sizeof(words), f) && strstr(words, "frostline.root=");

	if (f)
		fclose(f);
	return has;
}

int init_first(void)
{
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devtmpfs", "/dev", NULL);
	entropy_trust_cpu();
	modules_load();
	fflush(stdout);
	if (has_disk())
		execl("/bin/sh", "sh", "/etc/on-disk", NULL);
	return init_start();
}
