/* Preloaded into a process: counts the calls that change a disk, and at the k-th kills the process or lets it fail.

   SQLite's own calls pass here too. A process counts from shim_arm() on, so that the start of Python is left out. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { OFF, COUNT, KILL, FAIL_ONCE, FAIL_FROM, FAIL_THRICE, TAKE_AWAY, FAIL_READ };

static int mode = OFF, wanted_error, trace = -1, is_plain;
static long calls, wanted;
static char taken[4096], aside[4096], live[4096];

/* With `plain` the disk knows neither second names nor an exchange of two names, as some do not. */
void shim_arm(int new_mode, long at, int error, int trace_to, int plain) {
    calls = 0, wanted = at, wanted_error = error, trace = trace_to, is_plain = plain, mode = new_mode;
}

/* With TAKE_AWAY the folder `from` is at the wanted call no longer where it was, but at `to`. */
void shim_take_away(const char *from, const char *to) {
    snprintf(taken, sizeof taken, "%s", from);
    snprintf(aside, sizeof aside, "%s", to);
}

/* With FAIL_READ what counts is not what changes the disk, but the reading of files in this folder that are not ours. */
void shim_watch_reads(const char *folder) { snprintf(live, sizeof live, "%s/", folder); }

long shim_disarm(void) {
    mode = OFF, is_plain = 0;
    return calls;
}

/* Write the call's name and its path; of a renaming also the one from which. A path may lie in an open folder, `fd`. */
static void tell(const char *name, int fd, const char *from, const char *path) {
    char link[64], place[8192] = "", line[16000];
    if (path == NULL || (path[0] != '/' && fd >= 0)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, place, 4095);
        place[length < 0 ? 0 : length] = 0;
        if (path != NULL) snprintf(place + strlen(place), 4096, "/%s", path);
        path = place;
    }
    syscall(SYS_write, trace, line, snprintf(line, sizeof line, "%s\t%s%s%s\n", name, path, from ? "\t" : "", from ? from : ""));
}

/* Return 1, with errno set, if the call is to fail; `grows` says that it may need room on the disk. */
static int meets_fault(const char *name, int grows, int fd, const char *from, const char *path) {
    if (mode == OFF || mode == FAIL_READ) return 0;
    long number = __sync_add_and_fetch(&calls, 1);
    if (trace >= 0) tell(name, fd, from, path);
    if (mode == KILL && number == wanted) kill(getpid(), SIGKILL);
    if (mode == TAKE_AWAY && number == wanted) syscall(SYS_renameat2, AT_FDCWD, taken, AT_FDCWD, aside, 0);
    if ((mode == FAIL_ONCE && number == wanted) || (mode == FAIL_FROM && number >= wanted && grows) ||
        (mode == FAIL_THRICE && number >= wanted && number < wanted + 3)) {
        errno = wanted_error;
        return 1;
    }
    return 0;
}

static int is_unreadable(const char *name, int fd) {
    char link[64], place[4096];
    if (mode != FAIL_READ || fd < 3) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, place, sizeof place - 1);
    place[length < 0 ? 0 : length] = 0;
    if (strncmp(place, live, strlen(live)) != 0 || strstr(place, "/.docassist-backup/") || strstr(place, "/backups/")) return 0;
    long number = __sync_add_and_fetch(&calls, 1);
    if (trace >= 0) tell(name, fd, NULL, place);
    if (number == wanted) errno = wanted_error;
    return number == wanted;
}

static int cannot(const char *name) {
    if (is_plain && (strcmp(name, "renameat2") == 0 || strcmp(name, "link") == 0)) {
        errno = name[0] == 'l' ? EPERM : EINVAL;
        return 1;
    }
    return 0;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define WRAP(name, grows, at, from, path, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        return cannot(#name) || meets_fault(#name, grows, at, from, path) ? -1 : real arguments; \
    }

#define WRAP_FILE(result, name, grows, parameters, arguments) \
    result name parameters { \
        REAL(name); \
        return fd > 2 && meets_fault(#name, grows, fd, NULL, NULL) ? -1 : real arguments; \
    }

#define WRAP_READ(name, parameters, arguments) \
    ssize_t name parameters { \
        REAL(name); \
        return is_unreadable(#name, fd) ? -1 : real arguments; \
    }

WRAP_READ(read, (int fd, void *data, size_t size), (fd, data, size))
WRAP_READ(pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
WRAP_READ(pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at))
WRAP_FILE(ssize_t, write, 1, (int fd, const void *data, size_t size), (fd, data, size))
WRAP_FILE(ssize_t, pwrite, 1, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRAP_FILE(ssize_t, pwrite64, 1, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
WRAP_FILE(ssize_t, sendfile, 1, (int fd, int from, off_t *at, size_t size), (fd, from, at, size))
WRAP_FILE(ssize_t, sendfile64, 1, (int fd, int from, off64_t *at, size_t size), (fd, from, at, size))
WRAP_FILE(ssize_t, copy_file_range, 1,
          (int from, off64_t *here, int fd, off64_t *there, size_t size, unsigned flags),
          (from, here, fd, there, size, flags))
WRAP_FILE(int, ftruncate, 1, (int fd, off_t size), (fd, size))
WRAP_FILE(int, ftruncate64, 1, (int fd, off64_t size), (fd, size))
/* Some disks find out only here that there is no room for what was written. */
WRAP_FILE(int, fsync, 1, (int fd), (fd))
WRAP_FILE(int, fdatasync, 1, (int fd), (fd))
WRAP(rename, 0, -1, from, path, (const char *from, const char *path), (from, path))
WRAP(renameat, 0, to, from, path, (int at, const char *from, int to, const char *path), (at, from, to, path))
WRAP(renameat2, 0, to, from, path, (int at, const char *from, int to, const char *path, unsigned flags),
     (at, from, to, path, flags))
WRAP(link, 0, -1, from, path, (const char *from, const char *path), (from, path))
WRAP(linkat, 0, to, from, path, (int at, const char *from, int to, const char *path, int flags),
     (at, from, to, path, flags))
WRAP(unlink, 0, -1, NULL, path, (const char *path), (path))
WRAP(unlinkat, 0, at, NULL, path, (int at, const char *path, int flags), (at, path, flags))
WRAP(rmdir, 0, -1, NULL, path, (const char *path), (path))

/* Only the making of what is not there yet changes the disk. */
#define WRAP_MKDIR(name, at, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        int makes = mode != OFF && faccessat(at, path, F_OK, 0) != 0; \
        return makes && meets_fault(#name, 1, at, NULL, path) ? -1 : real arguments; \
    }

WRAP_MKDIR(mkdir, AT_FDCWD, (const char *path, mode_t rights), (path, rights))
WRAP_MKDIR(mkdirat, at, (int at, const char *path, mode_t rights), (at, path, rights))

#define WRAP_OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t rights = va_arg(rest, mode_t); \
        va_end(rest); \
        int makes = (flags & O_CREAT) && mode != OFF && access(path, F_OK) != 0; \
        return makes && meets_fault(#name, 1, -1, NULL, path) ? -1 : real(path, flags, rights); \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
