// Makes one change of a file below a folder fail, or kills the process there. Loaded with LD_PRELOAD into the program under
// test; tests/tests/faults.rs compiles it and says what these variables are.
//
//   SOTER_FAULT_FOLDER  the folder; calls elsewhere are not touched
//   SOTER_FAULT_AT      the number of the call, from 1; 0 for none
//   SOTER_FAULT_ERROR   the errno; 0 to kill the process, after half of a write.
//   SOTER_FAULT_STAYS   1 if all later calls fail, too
//   SOTER_FAULT_OPENS   1 if only calls that take a path count
//   SOTER_FAULT_COUNT   a file of 8 bytes in which the calls are counted

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder;
static size_t folder_length;
static long at;
static int error_number, stays, only_opens;
static _Atomic long *count;
static _Atomic long no_count;

__attribute__((constructor)) static void start(void) {
    const char *file = getenv("SOTER_FAULT_COUNT");
    folder = getenv("SOTER_FAULT_FOLDER");
    folder_length = folder ? strlen(folder) : 0;
#define NUMBER(name) (getenv(name) ? atol(getenv(name)) : 0)
    at = NUMBER("SOTER_FAULT_AT");
    error_number = NUMBER("SOTER_FAULT_ERROR");
    stays = NUMBER("SOTER_FAULT_STAYS");
    only_opens = NUMBER("SOTER_FAULT_OPENS");
    count = &no_count;
    if (file) {
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
        int descriptor = real(file, O_RDWR);
        void *shared = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (shared != MAP_FAILED) count = shared;
    }
}

static int path_is_inside(const char *path) {
    return folder && path && strncmp(path, folder, folder_length) == 0;
}

static int descriptor_is_inside(int descriptor) {
    char link[64], path[PATH_MAX];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length < 0) return 0;
    path[length] = 0;
    return path_is_inside(path);
}

static int is_inside_at(int parent, const char *path) {
    return path && path[0] == '/' ? path_is_inside(path) : descriptor_is_inside(parent);
}

/// Whether this call is the one. Does not return if it kills the process.
static int is_hit(int takes_path, int descriptor, const void *bytes, size_t length) {
    if (only_opens && !takes_path) return 0;
    long number = ++*count;
    if (!at || number < at || (number > at && !stays)) return 0;
    if (error_number == 0) {
        if (bytes) {
            ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
            if (real(descriptor, bytes, length / 2) < 0) errno = 0;
        }
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    errno = error_number;
    return 1;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                                                             \
    int name(const char *path, int flags, ...) {                                               \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        REAL(name);                                                                            \
        if (path_is_inside(path) && is_hit(1, -1, NULL, 0)) return -1;                         \
        return real(path, flags, mode);                                                        \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                           \
    int name(int parent, const char *path, int flags, ...) {                                   \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        REAL(name);                                                                            \
        if (is_inside_at(parent, path) && is_hit(1, -1, NULL, 0)) return -1;                   \
        return real(parent, path, flags, mode);                                                \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int descriptor, const void *bytes, size_t length) {
    REAL(write);
    if (descriptor_is_inside(descriptor) && is_hit(0, descriptor, bytes, length)) return -1;
    return real(descriptor, bytes, length);
}

#define PWRITE(name, offset_type)                                                                      \
    ssize_t name(int descriptor, const void *bytes, size_t length, offset_type offset) {               \
        REAL(name);                                                                                    \
        if (descriptor_is_inside(descriptor)) {                                                        \
            /* Half of a write goes to the descriptor's position. */                                   \
            off_t before = lseek(descriptor, 0, SEEK_CUR);                                             \
            lseek(descriptor, offset, SEEK_SET);                                                       \
            int hit = is_hit(0, descriptor, bytes, length);                                            \
            int saved = errno;                                                                         \
            lseek(descriptor, before, SEEK_SET);                                                       \
            errno = saved;                                                                             \
            if (hit) return -1;                                                                        \
        }                                                                                              \
        return real(descriptor, bytes, length, offset);                                                \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define BY_DESCRIPTOR(name)                                                       \
    int name(int descriptor) {                                                    \
        REAL(name);                                                               \
        if (descriptor_is_inside(descriptor) && is_hit(0, -1, NULL, 0)) return -1; \
        return real(descriptor);                                                  \
    }
BY_DESCRIPTOR(fsync)
BY_DESCRIPTOR(fdatasync)

#define TRUNCATE(name, offset_type)                                               \
    int name(int descriptor, offset_type length) {                                \
        REAL(name);                                                               \
        if (descriptor_is_inside(descriptor) && is_hit(0, -1, NULL, 0)) return -1; \
        return real(descriptor, length);                                          \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define BY_PATH(name)                                                  \
    int name(const char *path) {                                       \
        REAL(name);                                                    \
        if (path_is_inside(path) && is_hit(1, -1, NULL, 0)) return -1; \
        return real(path);                                             \
    }
BY_PATH(unlink)
BY_PATH(rmdir)

int unlinkat(int parent, const char *path, int flags) {
    REAL(unlinkat);
    if (is_inside_at(parent, path) && is_hit(1, -1, NULL, 0)) return -1;
    return real(parent, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    if (path_is_inside(path) && is_hit(1, -1, NULL, 0)) return -1;
    return real(path, mode);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    if (path_is_inside(from) && is_hit(1, -1, NULL, 0)) return -1;
    return real(from, to);
}
