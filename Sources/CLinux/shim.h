#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// setresuid is hidden from Swift, and prctl and syscall are variadic, which Swift does not see.
int setresuid(uid_t real, uid_t effective, uid_t saved);
int setresgid(gid_t real, gid_t effective, gid_t saved);
// Hidden too: without the flag another thread could start a program in between that inherits the pipe.
int pipe2(int ends[2], int flags);
// Hidden too; the first is a posix_spawn_file_actions_t, whose header would take its types from Glibc here.
int posix_spawn_file_actions_addclosefrom_np(void *actions, int from);
int posix_spawn_file_actions_addchdir_np(void *actions, const char *folder);

// Asks the kernel to keep so many bytes for a pipe; it may refuse. F_SETPIPE_SZ (1031) is hidden from Swift, and <fcntl.h> here would take its types from Glibc.
static inline void obs_growPipe(int descriptor, int bytes) { syscall(SYS_fcntl, descriptor, 1031, bytes); }

// Makes a process of root's one of another user, for the program that it executes next; of root's rights it keeps, where it has it, the one to read
// everything. Returns 0, or errno: then it is neither the one nor the other, and must end.
static inline int obs_becomeUser(uid_t user, gid_t group) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct rights[2];
    const unsigned int reading = CAP_TO_MASK(CAP_DAC_READ_SEARCH);
    memset(rights, 0, sizeof rights);
    if (syscall(SYS_capget, &header, rights) != 0) return errno;
    const int canKeep = (rights[0].permitted & reading) != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0;
    if (setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0) return errno;
    if (!canKeep) return 0;
    memset(rights, 0, sizeof rights);
    rights[0].effective = rights[0].permitted = rights[0].inheritable = reading;
    if (syscall(SYS_capset, &header, rights) != 0) return errno;
    // Without it the right would end with this program. Where it is forbidden, the user's own rights have to do.
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0);
    return 0;
}
