#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static bool add(int fd, const unsigned char *seed)
{
	struct {
		struct rand_pool_info info;
		unsigned char seed[SEED_BYTES];
	} pool = { .info = { .entropy_count = SEED_BYTES * 8, .buf_size = SEED_BYTES } };

	memcpy(pool.info.buf, seed, SEED_BYTES);
	return ioctl(fd, RNDADDENTROPY, &pool) == 0;
}

/* Adds the seed and reseeds at once: otherwise the output would equal the other clones' until the next reseeding. */
const char *entropy_reseed(const unsigned char *seed)
{
	int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	const char *failed = NULL;

	if (fd < 0 || !add(fd, seed))
		failed = "RNDADDENTROPY";
	/*
	 * From 4.14 on. Before 4.8 the next number already includes what was added. From 4.8 to 4.13 that takes some
	 * minutes; until then clones differ by RDRAND, which is mixed into every number.
	 */
	else if (ioctl(fd, RNDRESEEDCRNG) < 0 && errno != EINVAL && errno != ENOTTY)
		failed = "RNDRESEEDCRNG";
	if (fd >= 0)
		close(fd);
	return failed;
}

#if defined(__x86_64__)
__attribute__((target("rdrnd"))) static bool draw(unsigned char *seed)
{
	unsigned eax, ebx, ecx, edx;
	unsigned long long word;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_RDRND))
		return false;
	for (size_t i = 0; i < SEED_BYTES; i += sizeof(word)) {
		if (!_rdrand64_step(&word))
			return false;
		memcpy(seed + i, &word, sizeof(word));
	}
	return true;
}
#else
static bool draw(unsigned char *seed)
{
	(void)seed;
	return false;
}
#endif

#define NONBLOCKING 1 /* GRND_NONBLOCK */

static bool is_waited_for(void)
{
	unsigned char byte;

	return syscall(SYS_getrandom, &byte, 1, NONBLOCKING) < 0 && errno == EAGAIN;
}

/*
 * From 3.17 (and in RHEL 7) to 4.7 a worker passes credited entropy on to the pool of getrandom(2) in small parts, once
 * the input pool is nearly full.
 */
#define MOST_ROUNDS 200

void entropy_trust_cpu(void)
{
	int fd = is_waited_for() ? open("/dev/urandom", O_WRONLY | O_CLOEXEC) : -1;
	unsigned char seed[SEED_BYTES];

	for (int i = 0; fd >= 0 && i < MOST_ROUNDS && is_waited_for(); i++) {
		if (!draw(seed) || !add(fd, seed))
			break;
		sleep_us(i < 4 ? 0 : 500);
	}
	if (fd >= 0)
		close(fd);
}
