// Faults of a disk on demand: the calls of a process to the system, below storage, checkpoints and SQLite's own files alike.
//
// Linked into the tests, and loaded into a real `obs` by LD_PRELOAD. Then OBS_FAULTS names a file that both map, by which
// the test says what fails. Nothing fails, and nothing is looked at, while no plan is armed.

#ifndef OBS_FAULTS_H
#define OBS_FAULTS_H

#include <stdint.h>

enum {
    FAULTS_WRITE = 1,  // write, pwrite, ftruncate, truncate
    FAULTS_SYNC = 2,   // fsync, fdatasync: the data are on disk, and the caller hears that they are not
    FAULTS_NAME = 4,   // open for writing, rename, link, unlink, mkdir
    FAULTS_READ = 8,   // read, pread, open for reading, readdir
    FAULTS_STAT = 16,  // stat, access
};

// Which calls fail, and how.
typedef struct {
    int32_t calls;     // FAULTS_…, added
    int32_t error;     // errno
    int32_t isShort;   // the first write that fails writes half of its bytes, and says so
    int64_t first;     // the number of the call that fails first, from 1
    int64_t count;     // how many fail from there on
} faults_plan;

typedef struct faults faults;

// The plans of this process.
faults *_Nonnull faults_here(void);
// Those of a process that runs with OBS_FAULTS=path; NULL where the file cannot be made.
faults *_Nullable faults_shared(const char *_Nonnull path);

// Arms a plan for the files below a folder, by its absolute path. Gives its number, or -1 when there are too many.
int faults_arm(faults *_Nonnull all, const char *_Nonnull folder, faults_plan plan);
// How many calls of its kinds there were since it was armed.
int64_t faults_seen(faults *_Nonnull all, int number);
// How many of them failed.
int64_t faults_struck(faults *_Nonnull all, int number);
void faults_disarm(faults *_Nonnull all, int number);

// Puts the clock of the wall ahead by so many nanoseconds, or back.
void faults_set_clock(faults *_Nonnull all, int64_t nanoseconds);

#endif
