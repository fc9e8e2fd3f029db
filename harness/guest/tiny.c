#define _GNU_SOURCE
#include "frostbite.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* exit(0), as a plain system call. */
#if defined(__x86_64__)
#define MACHINE EM_X86_64
static const unsigned char code[] = { 0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05 };
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
static const unsigned char code[] = { 0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4 };
#else
#define MACHINE EM_NONE
static const unsigned char code[1];
#endif

#define BASE 0x400000
struct image {
	Elf64_Ehdr head;
	Elf64_Phdr part;
	unsigned char code[sizeof(code)];
};

static void fill(struct image *of)
{
	*of = (struct image){
		.head = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = MACHINE, .e_version = EV_CURRENT,
			.e_entry = BASE + offsetof(struct image, code), .e_phoff = offsetof(struct image, part),
			.e_ehsize = sizeof(of->head), .e_phentsize = sizeof(of->part), .e_phnum = 1,
		},
		.part = {
			.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = BASE, .p_paddr = BASE,
			.p_filesz = sizeof(*of), .p_memsz = sizeof(*of), .p_align = 0x1000,
		},
	};
	memcpy(of->code, code, sizeof(code));
}

/* A file without a name, so that nothing of it is left; before 3.17, one that was unlinked. */
static int unnamed(void)
{
	char path[] = "/tmp/frostline-tiny-XXXXXX";
	int fd = -1;

#ifdef SYS_memfd_create
	fd = (int)syscall(SYS_memfd_create, "tiny", 1u /* MFD_CLOEXEC */);
#endif
	if (fd >= 0)
		return fd;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

int tiny_open(void)
{
	struct image image;
	char path[32];

	if (MACHINE == EM_NONE)
		return errno = ENOEXEC, -1;
	fill(&image);
	int fd = unnamed(), readable = -1;

	if (fd < 0)
		return -1;
	/* a file that is open for writing cannot be executed */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, &image, sizeof(image)) == sizeof(image) && fchmod(fd, 0755) == 0)
		readable = open(path, O_RDONLY | O_CLOEXEC);
	int error = errno;

	close(fd);
	errno = error;
	return readable;
}

bool tiny_is_known(void)
{
	return MACHINE != EM_NONE;
}
