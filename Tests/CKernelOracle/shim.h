// The Linux calls that Swift's Glibc module does not have: those behind feature
// macros, variadic ones, and those whose request numbers are macros with `sizeof`.
// Every function returns -1 with errno set when the call fails.
#ifndef TREELOG_KERNEL_ORACLE_SHIM_H
#define TREELOG_KERNEL_ORACLE_SHIM_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/stat.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

struct oracle_status {
    uint64_t inode, size, blocks;
    uint32_t mode, uid, gid, links, device_major, device_minor;
    int64_t modified, changed, accessed, born;
    uint32_t modified_ns, changed_ns, accessed_ns, born_ns;
};

/// What statx gives for a name in a directory, or for the directory itself with "".
static inline int oracle_status_of(int directory, const char *name, struct oracle_status *result) {
    struct statx found;
    memset(&found, 0, sizeof found);
    int flags = 0x100 /* AT_SYMLINK_NOFOLLOW */ | 0x800 /* AT_NO_AUTOMOUNT */ | 0x1000 /* AT_EMPTY_PATH */;
    if (syscall(SYS_statx, directory, name, flags, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) return -1;
    result->inode = found.stx_ino;
    result->size = found.stx_size;
    result->blocks = found.stx_blocks;
    result->mode = found.stx_mode;
    result->uid = found.stx_uid;
    result->gid = found.stx_gid;
    result->links = found.stx_nlink;
    result->device_major = found.stx_rdev_major;
    result->device_minor = found.stx_rdev_minor;
    result->modified = found.stx_mtime.tv_sec;
    result->modified_ns = found.stx_mtime.tv_nsec;
    result->changed = found.stx_ctime.tv_sec;
    result->changed_ns = found.stx_ctime.tv_nsec;
    result->accessed = found.stx_atime.tv_sec;
    result->accessed_ns = found.stx_atime.tv_nsec;
    result->born = found.stx_btime.tv_sec;
    result->born_ns = found.stx_btime.tv_nsec;
    return 0;
}

/// Opens for reading without following a link, waiting for a FIFO, or setting atime.
static inline int oracle_open(int directory, const char *name, int extra_flags) {
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | 01000000 /* O_NOATIME */ | extra_flags;
    return openat(directory, name, flags);
}

static inline int oracle_get_flags(int file, uint32_t *flags) {
    unsigned long buffer = 0;
    int result = ioctl(file, FS_IOC_GETFLAGS, &buffer);
    *flags = (uint32_t)buffer;
    return result;
}

static inline int oracle_get_generation(int file, uint32_t *generation) {
    unsigned long buffer = 0;
    int result = ioctl(file, FS_IOC_GETVERSION, &buffer);
    *generation = (uint32_t)buffer;
    return result;
}

/// The number of the subvolume's tree and whether it is read-only.
static inline int oracle_get_subvolume(int root, uint64_t *tree, int *readonly) {
    struct btrfs_ioctl_ino_lookup_args lookup;
    memset(&lookup, 0, sizeof lookup);
    lookup.objectid = 256;
    if (ioctl(root, BTRFS_IOC_INO_LOOKUP, &lookup) != 0) return -1;
    uint64_t flags = 0;
    if (ioctl(root, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) != 0) return -1;
    *tree = lookup.treeid;
    *readonly = (flags & BTRFS_SUBVOL_RDONLY) != 0;
    return 0;
}

/// `map` has room for `capacity` extents after the header; gives how many there are.
static inline int64_t oracle_fiemap(int file, struct fiemap *map, uint32_t capacity) {
    memset(map, 0, sizeof *map);
    map->fm_length = ~(uint64_t)0;
    map->fm_extent_count = capacity;
    if (ioctl(file, FS_IOC_FIEMAP, map) != 0) return -1;
    return map->fm_mapped_extents;
}

static inline int64_t oracle_seek_data(int file, int64_t offset) { return lseek(file, offset, 3); }
static inline int64_t oracle_seek_hole(int file, int64_t offset) { return lseek(file, offset, 4); }

/// The next name of the directory, nil at the end (errno 0) or after an error.
static inline const char *oracle_next_name(DIR *directory) {
    errno = 0;
    struct dirent *entry = readdir(directory);
    return entry ? entry->d_name : NULL;
}

static inline int oracle_sync_filesystem(int file) { return (int)syscall(SYS_syncfs, file); }

/// What rename does with `flags` of renameat2.
static inline int oracle_rename(const char *old_path, const char *new_path, unsigned flags) {
    return (int)syscall(SYS_renameat2, AT_FDCWD, old_path, AT_FDCWD, new_path, flags);
}

static inline int oracle_fallocate(int file, int mode, int64_t offset, int64_t count) {
    return (int)syscall(SYS_fallocate, file, mode, offset, count);
}

/// Shares extents of a file with another.
static inline int oracle_clone(int source, uint64_t offset, uint64_t count, int target, uint64_t target_offset) {
    struct file_clone_range range = {source, offset, count, target_offset};
    return ioctl(target, FICLONERANGE, &range);
}

extern const char *strerrorname_np(int);

/// The name of an error number, such as "ENOENT"; nil for one that has none.
static inline const char *oracle_error_name(int error) { return strerrorname_np(error); }

/// A file in memory, for the output of a command.
static inline int oracle_memory_file(void) {
    return (int)syscall(SYS_memfd_create, "output", MFD_CLOEXEC);
}

/// Starts a program in a process group of its own. Gives the error number, or 0.
static inline int oracle_spawn(
    pid_t *process, const char *path, char *const *arguments, char *const *environment,
    int input, int output, int errors
) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, errors, 2);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    error = posix_spawn(process, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/// 1 when the process has ended, with `status` as a shell has it (128 + signal when it
/// was killed); 0 while it runs; -1 when there is no such child.
static inline int oracle_poll_process(pid_t process, int *status) {
    int raw = 0;
    pid_t result = waitpid(process, &raw, WNOHANG);
    if (result == 0) return 0;
    if (result < 0) return errno == EINTR ? 0 : -1;
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return 1;
}

#endif
