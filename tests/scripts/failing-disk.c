/* Preloaded into a server: while the file FAIL_FLAG exists, no file below the directory FAIL_DIR can be synced. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int descriptor) {
    const char *flag = getenv("FAIL_FLAG"), *directory = getenv("FAIL_DIR");
    char link[64], path[4096];
    ssize_t length;
    if (!flag || !directory || access(flag, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, directory, strlen(directory)) == 0;
}

static int synced(const char *name, int descriptor) {
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (!next || fails(descriptor)) {
        errno = EIO;
        return -1;
    }
    return next(descriptor);
}

int fdatasync(int descriptor) { return synced("fdatasync", descriptor); }
int fsync(int descriptor) { return synced("fsync", descriptor); }
