#define _GNU_SOURCE
#include "frostbite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Temporary changes that a workload makes to the machine. What to restore is noted first, in a file that is complete
 * and on disk before the change, and that this process keeps locked. Whoever finds it unlocked knows that its frostbite
 * is gone, and restores the value. First that is a guardian, a process that notices this one's end however it comes;
 * after it, `frostbite clean`.
 */

const char *settings_folder = "/run/frostline";

#define MAX_SETTINGS 8
#define MAX_PATH 300
#define MAX_VALUE 256
#define LEFT_US 3000000

static struct { char path[MAX_PATH]; int note; } changed[MAX_SETTINGS];
static pid_t guardian, guarded;

struct note {
	char ours[MAX_VALUE]; /* what the file holds while it is changed; "": any value is ours */
	char back[MAX_VALUE];
};

/* Nobody else may write there: otherwise root would write what another user wants, where they want it. */
static int open_folder(bool makes)
{
	struct stat st;

	if (makes)
		mkdir(settings_folder, 0700);
	int fd = open(settings_folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_mode & 077)) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* A note is named after its file: "!proc!sys!kernel!core_pattern". */
static void exchange(const char *from, char *to, size_t size, char old, char new)
{
	snprintf(to, size, "%s", from);
	for (char *c = to; *c; c++)
		if (*c == old)
			*c = new;
}

static bool read_value(const char *path, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, MAX_VALUE - 1);
	int error = errno;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	errno = error;
	return n >= 0;
}

static bool write_value(const char *path, const char *value)
{
	char text[MAX_VALUE + 1];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* a write of no bytes at all would change nothing */
	snprintf(text, sizeof(text), "%s\n", value);
	bool written = fd >= 0 && control_write(fd, text);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return written;
}

/* Not a flock: forks share those, so a fork that the kernel does not let go would keep it. */
static bool lock(int note)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(note, F_SETLK, &whole) == 0;
}

/* False: the note is torn, so nothing was changed yet. */
static bool read_note(int fd, struct note *note)
{
	char text[2 * MAX_VALUE + 2], *save = text;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	char *ours = strsep(&save, "\n"), *back = strsep(&save, "\n");

	if (!back || !save)
		return false;
	snprintf(note->ours, sizeof(note->ours), "%.255s", ours);
	snprintf(note->back, sizeof(note->back), "%.255s", back);
	return true;
}

static bool write_note(int fd, const struct note *note)
{
	char text[2 * MAX_VALUE + 2];

	snprintf(text, sizeof(text), "%s\n%s\n", note->ours, note->back);
	return ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 && control_write(fd, text) && fsync(fd) == 0;
}

/* Restores the value, unless someone else has changed it since. True when it was restored. */
static bool write_back(const char *path, const struct note *note)
{
	char now[MAX_VALUE];

	return (!note->ours[0] || (read_value(path, now) && !strcmp(now, note->ours))) && write_value(path, note->back);
}

/* Opens and locks a file's note, and restores what a dead frostbite left; -1 with errno, EBUSY: its owner lives. */
static int take_note(int folder, const char *path)
{
	char name[MAX_PATH];
	struct note left;
	struct stat st;

	exchange(path, name, sizeof(name), '/', '!');
	int fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	/* unlinked: its owner has just restored the value, and the next try finds no note */
	if (!lock(fd) || fstat(fd, &st) < 0 || !st.st_nlink) {
		close(fd);
		errno = EBUSY;
		return -1;
	}
	if (read_note(fd, &left))
		write_back(path, &left);
	return fd;
}

static void drop_note(int folder, const char *path, int note)
{
	char name[MAX_PATH];

	exchange(path, name, sizeof(name), '/', '!');
	unlinkat(folder, name, 0);
	close(note);
}

int settings_clean_all(void)
{
	int folder = open_folder(false), again = folder < 0 ? -1 : dup(folder), written = 0;
	DIR *notes = again < 0 ? NULL : fdopendir(again);

	for (struct dirent *entry; notes && (entry = readdir(notes));) {
		char path[MAX_PATH];
		struct note note;
		int fd = entry->d_name[0] == '!' ? openat(folder, entry->d_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1;

		if (fd < 0)
			continue;
		exchange(entry->d_name, path, sizeof(path), '!', '/');
		/* the guardian may be restoring it right now */
		for (int64_t end = now_us() + LEFT_US; !lock(fd) && now_us() < end;)
			sleep_us(1000);
		if (lock(fd)) {
			written += read_note(fd, &note) && write_back(path, &note);
			drop_note(folder, path, fd);
		} else {
			close(fd);
		}
	}
	if (notes)
		closedir(notes);
	if (folder >= 0)
		close(folder);
	rmdir(settings_folder);
	return written;
}

/* In its own session, so that what ends the parent's process group spares it; the kernel signals the parent's end. */
static void __attribute__((noreturn)) stand_guard(pid_t parent)
{
	sigset_t told;
	int which;

	sigemptyset(&told);
	sigaddset(&told, SIGUSR1);
	sigprocmask(SIG_BLOCK, &told, NULL);
	setsid();
	fsfreeze_close_guard();
	/* not the protocol's streams: their reader waits for the last holder */
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	prctl(PR_SET_NAME, "frostbite-guard");
	if (prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0 && getppid() == parent)
		while (sigwait(&told, &which))
			;
	settings_clean_all();
	_exit(0);
}

static bool start_guardian(void)
{
	pid_t parent = getpid();

	/* a fork of this program has no guardian of its own yet */
	if (guardian > 0 && guarded == parent)
		return true;
	guarded = parent;
	guardian = fork();
	if (guardian == 0)
		stand_guard(parent);
	return guardian > 0;
}

static size_t find(const char *path)
{
	size_t i = 0;

	while (i < MAX_SETTINGS && strcmp(changed[i].path, path))
		i++;
	return i;
}

bool setting_change(const char *path, const char *text, const char *back)
{
	struct note note = { 0 };
	size_t i = find("");
	int folder = i < MAX_SETTINGS && start_guardian() ? open_folder(true) : -1;
	int fd = folder < 0 ? -1 : take_note(folder, path);

	if (!back)
		snprintf(note.ours, sizeof(note.ours), "%s", text);
	else
		snprintf(note.back, sizeof(note.back), "%s", back);
	bool is = fd >= 0 && (back || read_value(path, note.back)) && write_note(fd, &note) && write_value(path, text);
	int error = errno;

	if (is) {
		snprintf(changed[i].path, sizeof(changed[i].path), "%s", path);
		changed[i].note = fd;
	} else if (fd >= 0) {
		drop_note(folder, path, fd);
	}
	if (folder >= 0)
		close(folder);
	errno = error;
	return is;
}

void setting_restore(const char *path)
{
	size_t i = path[0] ? find(path) : MAX_SETTINGS;
	int folder = i < MAX_SETTINGS ? open_folder(false) : -1;
	struct note note;

	if (folder < 0)
		return;
	if (read_note(changed[i].note, &note))
		write_back(path, &note);
	drop_note(folder, path, changed[i].note);
	changed[i].path[0] = '\0';
	close(folder);
}

void settings_end(void)
{
	for (size_t i = 0; i < MAX_SETTINGS; i++)
		if (changed[i].path[0]) {
			char path[sizeof(changed[i].path)];

			strcpy(path, changed[i].path);
			setting_restore(path);
		}
	rmdir(settings_folder);
	if (guardian > 0 && guarded == getpid())
		end_process(guardian);
	guardian = 0;
}
