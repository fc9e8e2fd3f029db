#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int loop_attach(int image, char *device, size_t size)
{
	struct loop_info64 info = { .lo_flags = LO_FLAGS_AUTOCLEAR };

	module_load("loop");
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);

	if (control >= 0)
		close(control);
	if (number < 0)
		return -1;
	snprintf(device, size, "/dev/loop%d", number);
	int loop = open(device, O_RDWR | O_CLOEXEC);

	if (loop < 0)
		return -1;
	if (ioctl(loop, LOOP_SET_FD, image) < 0 || ioctl(loop, LOOP_SET_STATUS64, &info) < 0) {
		int error = errno;

		close(loop);
		errno = error;
		return -1;
	}
	return loop;
}
