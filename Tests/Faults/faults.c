#define _GNU_SOURCE
#include "faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { PLANS = 64, FOLDER = 1024 };

// It may be mapped by two processes: no pointers, and all that changes is atomic.
struct faults {
    _Atomic int32_t armed;
    _Atomic int64_t clock;
    struct slot {
        _Atomic int32_t state;  // 0 free, 1 being written, 2 armed
        char folder[FOLDER];
        faults_plan plan;
        _Atomic int64_t seen;
        _Atomic int64_t struck;
        _Atomic int32_t half;
    } slots[PLANS];
};

static faults own;
static faults *current = &own;

static faults *map(const char *path) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return NULL;
    void *memory = MAP_FAILED;
    if (ftruncate(file, sizeof(faults)) == 0)
        memory = mmap(NULL, sizeof(faults), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    return memory == MAP_FAILED ? NULL : memory;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("OBS_FAULTS");
    faults *shared = path ? map(path) : NULL;
    if (shared) current = shared;
}

faults *faults_here(void) { return current; }
faults *faults_shared(const char *path) { return map(path); }

int faults_arm(faults *all, const char *folder, faults_plan plan) {
    for (int number = 0; number < PLANS; number++) {
        struct slot *slot = &all->slots[number];
        int32_t free = 0;
        if (!atomic_compare_exchange_strong(&slot->state, &free, 1)) continue;
        snprintf(slot->folder, FOLDER, "%s", folder);
        slot->plan = plan;
        atomic_store(&slot->seen, 0);
        atomic_store(&slot->struck, 0);
        atomic_store(&slot->half, plan.isShort);
        atomic_store(&slot->state, 2);
        atomic_fetch_add(&all->armed, 1);
        return number;
    }
    return -1;
}

int64_t faults_seen(faults *all, int number) { return atomic_load(&all->slots[number].seen); }
int64_t faults_struck(faults *all, int number) { return atomic_load(&all->slots[number].struck); }

void faults_disarm(faults *all, int number) {
    int32_t armed = 2;
    if (atomic_compare_exchange_strong(&all->slots[number].state, &armed, 0)) atomic_fetch_sub(&all->armed, 1);
}

void faults_set_clock(faults *all, int64_t nanoseconds) { atomic_store(&all->clock, nanoseconds); }

// The slot by which a call fails, or NULL.
static struct slot *strike(const char *path, int call) {
    if (path[0] != '/') return NULL;
    for (int number = 0; number < PLANS; number++) {
        struct slot *slot = &current->slots[number];
        if (atomic_load(&slot->state) != 2 || !(slot->plan.calls & call)) continue;
        size_t length = strlen(slot->folder);
        if (strncmp(path, slot->folder, length) != 0 || (path[length] != '/' && path[length] != 0)) continue;
        int64_t seen = atomic_fetch_add(&slot->seen, 1) + 1;
        if (seen < slot->plan.first || seen - slot->plan.first >= slot->plan.count) continue;
        atomic_fetch_add(&slot->struck, 1);
        return slot;
    }
    return NULL;
}

static struct slot *strike_open(int file, int call) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    return strike(path, call);
}

static int isArmed(void) { return atomic_load_explicit(&current->armed, memory_order_relaxed) > 0; }

// `next` is the system's own function of that name.
#define NEXT(result, name, ...)                                          \
    static result (*next)(__VA_ARGS__);                                  \
    if (!next) next = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define FAIL_AT(path, call)                                              \
    do {                                                                 \
        struct slot *slot = isArmed() ? strike(path, call) : NULL;       \
        if (slot) { errno = slot->plan.error; return -1; }               \
    } while (0)

#define FAIL_OF(file, call)                                              \
    do {                                                                 \
        struct slot *slot = isArmed() ? strike_open(file, call) : NULL;  \
        if (slot) { errno = slot->plan.error; return -1; }               \
    } while (0)

// MARK: Writing

// How many of the bytes are written by a call that fails, or -1: none, and it says so.
static ssize_t half(int file, size_t count, int *fails) {
    struct slot *slot = isArmed() ? strike_open(file, FAULTS_WRITE) : NULL;
    *fails = slot != NULL;
    if (!slot) return -1;
    errno = slot->plan.error;
    return count > 1 && atomic_exchange(&slot->half, 0) ? (ssize_t)(count / 2) : -1;
}

ssize_t write(int file, const void *bytes, size_t count) {
    NEXT(ssize_t, "write", int, const void *, size_t);
    int fails;
    ssize_t part = half(file, count, &fails);
    return !fails ? next(file, bytes, count) : part < 0 ? -1 : next(file, bytes, part);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
    NEXT(ssize_t, "pwrite", int, const void *, size_t, off_t);
    int fails;
    ssize_t part = half(file, count, &fails);
    return !fails ? next(file, bytes, count, at) : part < 0 ? -1 : next(file, bytes, part, at);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) { return pwrite(file, bytes, count, at); }

int ftruncate(int file, off_t size) {
    NEXT(int, "ftruncate", int, off_t);
    FAIL_OF(file, FAULTS_WRITE);
    return next(file, size);
}
int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }

int truncate(const char *path, off_t size) {
    NEXT(int, "truncate", const char *, off_t);
    FAIL_AT(path, FAULTS_WRITE);
    return next(path, size);
}
int truncate64(const char *path, off64_t size) { return truncate(path, size); }

int fsync(int file) {
    NEXT(int, "fsync", int);
    int result = next(file);
    FAIL_OF(file, FAULTS_SYNC);
    return result;
}

int fdatasync(int file) {
    NEXT(int, "fdatasync", int);
    int result = next(file);
    FAIL_OF(file, FAULTS_SYNC);
    return result;
}

// MARK: Names

static int kind(int flags) { return (flags & O_ACCMODE) == O_RDONLY ? FAULTS_READ : FAULTS_NAME; }

int open(const char *path, int flags, ...) {
    NEXT(int, "open", const char *, int, ...);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    FAIL_AT(path, kind(flags));
    return next(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open(path, flags, mode);
}

int rename(const char *from, const char *to) {
    NEXT(int, "rename", const char *, const char *);
    FAIL_AT(to, FAULTS_NAME);
    return next(from, to);
}

int link(const char *from, const char *to) {
    NEXT(int, "link", const char *, const char *);
    FAIL_AT(to, FAULTS_NAME);
    return next(from, to);
}

int unlink(const char *path) {
    NEXT(int, "unlink", const char *);
    FAIL_AT(path, FAULTS_NAME);
    return next(path);
}

int mkdir(const char *path, mode_t mode) {
    NEXT(int, "mkdir", const char *, mode_t);
    FAIL_AT(path, FAULTS_NAME);
    return next(path, mode);
}

// MARK: Reading

ssize_t read(int file, void *bytes, size_t count) {
    NEXT(ssize_t, "read", int, void *, size_t);
    FAIL_OF(file, FAULTS_READ);
    return next(file, bytes, count);
}

ssize_t pread(int file, void *bytes, size_t count, off_t at) {
    NEXT(ssize_t, "pread", int, void *, size_t, off_t);
    FAIL_OF(file, FAULTS_READ);
    return next(file, bytes, count, at);
}
ssize_t pread64(int file, void *bytes, size_t count, off64_t at) { return pread(file, bytes, count, at); }

struct dirent *readdir(DIR *folder) {
    NEXT(struct dirent *, "readdir", DIR *);
    struct slot *slot = isArmed() ? strike_open(dirfd(folder), FAULTS_READ) : NULL;
    if (slot) { errno = slot->plan.error; return NULL; }
    return next(folder);
}

int stat(const char *restrict path, struct stat *restrict facts) {
    NEXT(int, "stat", const char *, struct stat *);
    FAIL_AT(path, FAULTS_STAT);
    return next(path, facts);
}

int access(const char *path, int mode) {
    NEXT(int, "access", const char *, int);
    FAIL_AT(path, FAULTS_STAT);
    return next(path, mode);
}

// MARK: The clock

int clock_gettime(clockid_t clock, struct timespec *time) {
    NEXT(int, "clock_gettime", clockid_t, struct timespec *);
    int result = next(clock, time);
    int64_t ahead = atomic_load_explicit(&current->clock, memory_order_relaxed);
    if (result == 0 && ahead != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t all = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec + ahead;
        time->tv_sec = all / 1000000000;
        time->tv_nsec = all % 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
