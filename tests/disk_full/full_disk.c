/* A disk that is full from a certain moment on, for tests: loaded before the C library, it counts the calls that need
 * room below one folder, and answers ENOSPC to the DISK_FULL_AT-th and to all after it. The first time it does so it
 * makes the file DISK_FULL_TOLD. It must not be a part of the program. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long calls;

static int is_below(const char *path)
{
    const char *folder = getenv("DISK_FULL_UNDER");
    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_full(void)
{
    const char *at = getenv("DISK_FULL_AT"), *told = getenv("DISK_FULL_TOLD");
    if (!at || ++calls < atol(at))
        return 0;
    if (told && access(told, F_OK) != 0) {
        int (*real)(const char *, mode_t) = dlsym(RTLD_NEXT, "mkdir");
        real(told, 0700);
    }
    errno = ENOSPC;
    return 1;
}

static int is_full_for(int file)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return is_below(path) && is_full();
}

#define REAL(name, type) __typeof__((type)0) real = (__typeof__((type)0))dlsym(RTLD_NEXT, name)

ssize_t write(int file, const void *bytes, size_t count)
{
    REAL("write", ssize_t (*)(int, const void *, size_t));
    return is_full_for(file) ? -1 : real(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at)
{
    REAL("pwrite", ssize_t (*)(int, const void *, size_t, off_t));
    return is_full_for(file) ? -1 : real(file, bytes, count, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
    REAL("pwrite64", ssize_t (*)(int, const void *, size_t, off64_t));
    return is_full_for(file) ? -1 : real(file, bytes, count, at);
}

int ftruncate(int file, off_t length)
{
    REAL("ftruncate", int (*)(int, off_t));
    return is_full_for(file) ? -1 : real(file, length);
}

int ftruncate64(int file, off64_t length)
{
    REAL("ftruncate64", int (*)(int, off64_t));
    return is_full_for(file) ? -1 : real(file, length);
}

int fsync(int file)
{
    REAL("fsync", int (*)(int));
    return is_full_for(file) ? -1 : real(file);
}

int fdatasync(int file)
{
    REAL("fdatasync", int (*)(int));
    return is_full_for(file) ? -1 : real(file);
}

static int makes_a_file(const char *path, int flags)
{
    return (flags & O_CREAT) && is_below(path) && access(path, F_OK) != 0;
}

#define OPEN(name)                                             \
    int name(const char *path, int flags, ...)                 \
    {                                                          \
        REAL(#name, int (*)(const char *, int, ...));          \
        va_list rest;                                          \
        va_start(rest, flags);                                 \
        mode_t mode = va_arg(rest, mode_t);                    \
        va_end(rest);                                          \
        if (makes_a_file(path, flags) && is_full())            \
            return -1;                                         \
        return real(path, flags, mode);                        \
    }

OPEN(open)
OPEN(open64)

int mkdir(const char *path, mode_t mode)
{
    REAL("mkdir", int (*)(const char *, mode_t));
    return is_below(path) && is_full() ? -1 : real(path, mode);
}
