/*
 * Remembers what a process has written and not fsynced, so that a power loss can be played after it was killed.
 *
 * Loaded with LD_PRELOAD. Every file below $UNSYNCED_DIRECTORY has a journal <inode>.undo in $UNSYNCED_JOURNAL: before a
 * write, the bytes that it will overwrite and the file's size go there; a successful fsync or fdatasync empties it. What is
 * in the journals when the process ends is what the disk may have lost. The reader is
 * src/drills/faults/power-loss/undo-journal.ts; a record is the struct below, little-endian, and then `saved` bytes.
 *
 * With $UNSYNCED_IGNORE_SYNC=1 fsync does nothing, as on a disk that lies: for showing that a drill notices.
 *
 * A new file is undone as a whole (it vanishes) until its first fsync; after it, its name is taken to be durable with it, as
 * ext4, XFS and Btrfs do it. Renames, removals and new folders are taken to be durable at once. Not seen: stores through
 * mmap, copy_file_range, io_uring, and what does not go through libc. sync_file_range promises nothing, so it counts for nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef __GLIBC__
#error "needs the GNU C library"
#endif

#define MAGIC 0x4f444e55u /* "UNDO" */
#define BUCKETS 1024
#define CHUNK (1 << 20)

enum { CREATED = 1, WRITTEN = 2, RESIZED = 3 };

struct undo {
  uint32_t magic, kind;
  int64_t offset; /* WRITTEN: where; RESIZED: the new size */
  int64_t length; /* WRITTEN: how many bytes were to be written there */
  int64_t size;   /* of the file before */
  int64_t saved;  /* bytes that follow: the file's own, from `offset` on */
};

struct file {
  dev_t device;
  ino_t inode;
  pthread_mutex_t lock; /* held over a write and over an fsync, so that none counts as synced that came meanwhile */
  int journal;
  struct file *next;
};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct file *table[BUCKETS];
static char directory[PATH_MAX], journals[PATH_MAX];
static size_t directory_length;
static int ignore_sync;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, int, off_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_unlinkat)(int, const char *, int);

static void die(const char *what) {
  dprintf(2, "unsynced: %s: %s\n", what, strerror(errno));
  abort();
}

static void start(void) {
  const char *from = getenv("UNSYNCED_DIRECTORY"), *to = getenv("UNSYNCED_JOURNAL"), *lie = getenv("UNSYNCED_IGNORE_SYNC");
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_writev = dlsym(RTLD_NEXT, "writev");
  real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fallocate = dlsym(RTLD_NEXT, "fallocate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_renameat = dlsym(RTLD_NEXT, "renameat");
  real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
  ignore_sync = lie != NULL && strcmp(lie, "1") == 0;
  if (from == NULL && to == NULL) return; /* a grandchild with an environment of its own */
  if (from == NULL || to == NULL || realpath(from, directory) == NULL || realpath(to, journals) == NULL)
    die("UNSYNCED_DIRECTORY and UNSYNCED_JOURNAL must name two folders");
  directory_length = strlen(directory);
}

static void ready(void) { pthread_once(&once, start); }

__attribute__((constructor)) static void loaded(void) { ready(); }

/* Is this open file below the directory? The kernel says, whatever way its path was written. */
static int is_tracked(int fd) {
  char link[64], path[PATH_MAX];
  if (directory_length == 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  return length > (ssize_t)directory_length && memcmp(path, directory, directory_length) == 0 && path[directory_length] == '/';
}

static struct file *find(dev_t device, ino_t inode) {
  struct file *found = table[inode % BUCKETS];
  while (found != NULL && (found->inode != inode || found->device != device)) found = found->next;
  return found;
}

/* The tracked file behind `fd`, locked, or NULL. */
static struct file *hold(int fd, struct stat *status) {
  ready();
  if (directory_length == 0 || fstat(fd, status) != 0 || !S_ISREG(status->st_mode)) return NULL;
  pthread_mutex_lock(&table_lock);
  struct file *found = find(status->st_dev, status->st_ino);
  pthread_mutex_unlock(&table_lock);
  if (found == NULL) return NULL;
  pthread_mutex_lock(&found->lock);
  if (fstat(fd, status) != 0) die("fstat");
  return found;
}

static void release(struct file *file) { pthread_mutex_unlock(&file->lock); }

static void journal_bytes(struct file *file, const void *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = real_write(file->journal, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) die("cannot write the journal");
    bytes = (const char *)bytes + written;
    length -= (size_t)written;
  }
}

/* Journals that [offset, offset + length) is about to change; `saved` of it is there now. */
static void journal(struct file *file, int fd, uint32_t kind, int64_t offset, int64_t length, int64_t size, int64_t saved) {
  int before = errno;
  struct undo record = {MAGIC, kind, offset, length, size, saved > 0 ? saved : 0};
  journal_bytes(file, &record, sizeof record);
  char *block = saved > 0 ? malloc(saved < CHUNK ? (size_t)saved : CHUNK) : NULL;
  if (saved > 0 && block == NULL) die("malloc");
  while (saved > 0) {
    ssize_t got = pread64(fd, block, saved < CHUNK ? (size_t)saved : CHUNK, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) die("cannot read what is to be overwritten");
    journal_bytes(file, block, (size_t)got);
    offset += got;
    saved -= got;
  }
  free(block);
  errno = before;
}

static void before_write(struct file *file, int fd, const struct stat *status, int64_t offset, int64_t length) {
  int64_t there = status->st_size - offset;
  journal(file, fd, WRITTEN, offset, length, status->st_size, there < length ? there : length);
}

static void before_resize(struct file *file, int fd, const struct stat *status, int64_t size) {
  journal(file, fd, RESIZED, size, 0, status->st_size, status->st_size - size);
}

/* Where write(2) will put its bytes. */
static int64_t position(int fd, const struct stat *status) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_APPEND) ? status->st_size : lseek64(fd, 0, SEEK_CUR);
}

static void forget(dev_t device, ino_t inode) {
  pthread_mutex_lock(&table_lock);
  struct file *found = find(device, inode);
  if (found != NULL && real_ftruncate(found->journal, 0) != 0) die("cannot empty the journal");
  pthread_mutex_unlock(&table_lock);
}

/* An inode that was removed may come again as another file, also as one outside the directory. */
static void leave(dev_t device, ino_t inode) {
  pthread_mutex_lock(&table_lock);
  for (struct file **at = &table[inode % BUCKETS]; *at != NULL; at = &(*at)->next) {
    if ((*at)->inode != inode || (*at)->device != device) continue;
    close((*at)->journal);
    *at = (*at)->next; /* not freed: another thread may be holding it */
    break;
  }
  pthread_mutex_unlock(&table_lock);
}

static void opened(int fd, int created) {
  struct stat status;
  int before = errno;
  if (directory_length == 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (!is_tracked(fd)) {
    leave(status.st_dev, status.st_ino);
    errno = before;
    return;
  }
  pthread_mutex_lock(&table_lock);
  struct file *file = find(status.st_dev, status.st_ino);
  if (file == NULL) {
    char path[PATH_MAX + 32];
    file = calloc(1, sizeof *file);
    if (file == NULL) die("calloc");
    snprintf(path, sizeof path, "%s/%llu.undo", journals, (unsigned long long)status.st_ino);
    file->journal = real_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file->journal < 0) die("cannot open the journal");
    file->device = status.st_dev;
    file->inode = status.st_ino;
    pthread_mutex_init(&file->lock, NULL);
    file->next = table[file->inode % BUCKETS];
    table[file->inode % BUCKETS] = file;
  }
  pthread_mutex_unlock(&table_lock);
  if (created) {
    pthread_mutex_lock(&file->lock);
    if (real_ftruncate(file->journal, 0) != 0) die("cannot empty the journal");
    journal(file, fd, CREATED, 0, 0, 0, 0);
    release(file);
  }
  errno = before;
}

int ftruncate64(int fd, off64_t size);

/* Old bytes must be readable and a truncation journaled, so the file is opened for both and cut afterwards. */
static int open_tracked(int at, const char *path, int flags, mode_t mode) {
  ready();
  if (directory_length == 0 || (flags & O_TMPFILE) == O_TMPFILE || (flags & (O_ACCMODE | O_CREAT | O_TRUNC)) == O_RDONLY) {
    int fd = real_openat(at, path, flags, mode);
    if (fd >= 0) opened(fd, 0);
    return fd;
  }
  for (;;) {
    int created = 0;
    int wanted = flags & ~(O_TRUNC | O_CREAT | O_EXCL);
    int fd = (flags & O_EXCL) ? (errno = ENOENT, -1) : real_openat(at, path, wanted, mode);
    if (fd < 0 && errno == ENOENT && (flags & O_CREAT)) {
      fd = real_openat(at, path, wanted | O_CREAT | O_EXCL, mode);
      if (fd < 0 && errno == EEXIST && !(flags & O_EXCL)) continue;
      created = fd >= 0;
    }
    if (fd < 0) return fd;
    if (is_tracked(fd) && (flags & O_ACCMODE) == O_WRONLY) {
      int readable = real_openat(at, path, (wanted & ~O_ACCMODE) | O_RDWR, mode);
      if (readable < 0) die("a file that is written must be readable");
      close(fd);
      fd = readable;
    }
    opened(fd, created);
    if ((flags & O_TRUNC) && !created && ftruncate64(fd, 0) != 0 && errno != EINVAL) {
      close(fd);
      return -1;
    }
    return fd;
  }
}

static mode_t mode_of(int flags, va_list rest) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                              \
  int name(const char *path, int flags, ...) {  \
    va_list rest;                               \
    va_start(rest, flags);                      \
    mode_t mode = mode_of(flags, rest);         \
    va_end(rest);                               \
    return open_tracked(AT_FDCWD, path, flags, mode); \
  }
#define OPENAT(name)                                   \
  int name(int at, const char *path, int flags, ...) { \
    va_list rest;                                      \
    va_start(rest, flags);                             \
    mode_t mode = mode_of(flags, rest);                \
    va_end(rest);                                      \
    return open_tracked(at, path, flags, mode);        \
  }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int creat(const char *path, mode_t mode) { return open_tracked(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

static size_t total(const struct iovec *parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
  return bytes;
}

/* CALL is the real function's, made under the file's lock after the journal has what it changes. */
#define RECORDED(type, fd, record, CALL)          \
  struct stat status;                             \
  struct file *file = hold(fd, &status);          \
  if (file != NULL) record;                       \
  type result = CALL;                             \
  if (file != NULL) release(file);                \
  return result;

ssize_t write(int fd, const void *bytes, size_t length) {
  RECORDED(ssize_t, fd, before_write(file, fd, &status, position(fd, &status), length), real_write(fd, bytes, length))
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  RECORDED(ssize_t, fd, before_write(file, fd, &status, position(fd, &status), total(parts, count)),
           real_writev(fd, parts, count))
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  RECORDED(ssize_t, fd, before_write(file, fd, &status, offset, length), real_pwrite(fd, bytes, length, offset))
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  RECORDED(ssize_t, fd, before_write(file, fd, &status, offset, total(parts, count)),
           real_pwritev(fd, parts, count, offset))
}
int ftruncate64(int fd, off64_t size) {
  RECORDED(int, fd, before_resize(file, fd, &status, size), real_ftruncate(fd, size))
}
/* With a mode, ranges are zeroed or removed: those bytes are kept as for a write. Without, at most the size grows. */
int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  RECORDED(int, fd,
           mode == 0 ? before_resize(file, fd, &status, offset + length > status.st_size ? offset + length : status.st_size)
                     : before_write(file, fd, &status, offset, length),
           real_fallocate(fd, mode, offset, length))
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return pwritev64(fd, parts, count, offset); }
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
int fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate64(fd, mode, offset, length); }
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return fallocate64(fd, 0, offset, length) == 0 ? 0 : errno; }
int posix_fallocate(int fd, off_t offset, off_t length) { return posix_fallocate64(fd, offset, length); }

static int synced(int fd, int (*call)(int)) {
  struct stat status;
  struct file *file = hold(fd, &status);
  int result = ignore_sync && file != NULL ? 0 : call(fd);
  if (file != NULL) {
    if (result == 0 && !ignore_sync && real_ftruncate(file->journal, 0) != 0) die("cannot empty the journal");
    release(file);
  }
  return result;
}

int fsync(int fd) {
  ready();
  return synced(fd, real_fsync);
}
int fdatasync(int fd) {
  ready();
  return synced(fd, real_fdatasync);
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
  struct stat replaced;
  ready();
  int known = directory_length > 0 && fstatat(to_at, to, &replaced, AT_SYMLINK_NOFOLLOW) == 0;
  int result = real_renameat(from_at, from, to_at, to);
  if (result == 0 && known) forget(replaced.st_dev, replaced.st_ino);
  return result;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int unlinkat(int at, const char *path, int flags) {
  struct stat removed;
  ready();
  int known = directory_length > 0 && fstatat(at, path, &removed, AT_SYMLINK_NOFOLLOW) == 0 && removed.st_nlink == 1;
  int result = real_unlinkat(at, path, flags);
  if (result == 0 && known) forget(removed.st_dev, removed.st_ino);
  return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
