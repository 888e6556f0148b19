import Foundation
import TestSupport

/// A library for LD_PRELOAD that makes the system fail where a test says so, and a sound card for ALSA that needs no hardware.
///
/// Most tests run as root, to whom no file is forbidden, and on machines whose disks are sound.
enum Faults {
  /// Path of the library for LD_PRELOAD; built once.
  ///
  /// FAULT_CALL names the call that fails, FAULT_NAME a part of the name of its file, FAULT_CODE the error number, FAULT_AFTER
  /// how many calls succeed before. Other values of FAULT_CALL are described where they are.
  static let library = Result {
    try build(
      "faults",
      """
      #define _GNU_SOURCE
      #include <dirent.h>
      #include <dlfcn.h>
      #include <errno.h>
      #include <fcntl.h>
      #include <signal.h>
      #include <stdarg.h>
      #include <stdatomic.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <string.h>
      #include <sys/mman.h>
      #include <sys/statvfs.h>
      #include <sys/types.h>
      #include <time.h>
      #include <unistd.h>
      #define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
      static _Atomic int calls;
      static int asked(const char *call) {
        const char *wanted = getenv("FAULT_CALL");
        return wanted && !strcmp(call, wanted);
      }
      static int is_named(const char *path) {
        const char *name = getenv("FAULT_NAME");
        return name && path && strstr(path, name);
      }
      static int fails(const char *call, const char *path) {
        if (!asked(call) || !is_named(path)) return 0;
        const char *after = getenv("FAULT_AFTER");
        if (after && atomic_fetch_add(&calls, 1) < atoi(after)) return 0;
        errno = atoi(getenv("FAULT_CODE"));
        return 1;
      }
      static const char *path_of(int descriptor, char path[4096]) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t count = readlink(link, path, 4095);
        path[count < 0 ? 0 : count] = 0;
        return path;
      }
      static int fails_at(const char *call, int descriptor) {
        char path[4096];
        return asked(call) && fails(call, path_of(descriptor, path));
      }
      // A signal in the middle of writing.
      static void interrupt(int descriptor) {
        char path[4096];
        if (asked("interrupt") && is_named(path_of(descriptor, path)) && !atomic_fetch_add(&calls, 1)) raise(SIGINT);
      }
      ssize_t write(int d, const void *b, size_t n) {
        REAL(write);
        interrupt(d);
        return fails_at("write", d) ? -1 : real(d, b, n);
      }
      // A disk that keeps something else than it was given.
      static ssize_t keep(int d, const void *b, size_t n, off_t o, ssize_t (*real)(int, const void *, size_t, off_t)) {
        char path[4096];
        interrupt(d);
        if (fails_at("write", d)) return -1;
        if (!asked("corrupt") || !n || !is_named(path_of(d, path))) return real(d, b, n, o);
        char *copy = malloc(n);
        memcpy(copy, b, n);
        copy[n - 1] ^= 1;
        ssize_t written = real(d, copy, n, o);
        free(copy);
        return written;
      }
      ssize_t pwrite(int d, const void *b, size_t n, off_t o) { REAL(pwrite); return keep(d, b, n, o, real); }
      ssize_t pwrite64(int d, const void *b, size_t n, off64_t o) { REAL(pwrite64); return keep(d, b, n, o, real); }
      ssize_t read(int d, void *b, size_t n) { REAL(read); return fails_at("read", d) ? -1 : real(d, b, n); }
      int fsync(int d) { REAL(fsync); return fails_at("fsync", d) ? -1 : real(d); }
      int close(int d) {
        REAL(close);
        int f = fails_at("close", d), code = errno, r = real(d);
        errno = f ? code : errno;
        return f ? -1 : r;
      }
      int rename(const char *a, const char *b) { REAL(rename); return fails("rename", b) ? -1 : real(a, b); }
      // A file that this user may not open.
      static _Atomic int is_busy;
      static int mode(int flags, va_list list) { return flags & O_CREAT ? va_arg(list, int) : 0; }
      #define OPEN(name) \\
        int name(const char *path, int flags, ...) { \\
          REAL(name); \\
          va_list list; \\
          va_start(list, flags); \\
          int m = mode(flags, list); \\
          va_end(list); \\
          if (asked("busy") && is_named(path)) atomic_store(&is_busy, 1); \\
          return fails("open", path) ? -1 : real(path, flags, m); \\
        }
      OPEN(open)
      OPEN(open64)
      int access(const char *path, int how) {
        REAL(access);
        // The nodes of sound cards are those of a directory that FAULT_CARDS names.
        if (getenv("FAULT_CARDS") && !strncmp(path, "/dev/snd/", 9)) return fails("cards", path) ? -1 : 0;
        return fails("open", path) ? -1 : real(path, how);
      }
      DIR *opendir(const char *path) {
        REAL(opendir);
        const char *cards = getenv("FAULT_CARDS");
        return real(cards && !strcmp(path, "/dev/snd") ? cards : path);
      }
      // A full disk.
      int statvfs(const char *path, struct statvfs *status) {
        REAL(statvfs);
        int result = real(path, status);
        if (asked("full")) status->f_bavail = 0;
        return result;
      }
      int statvfs64(const char *path, struct statvfs64 *status) {
        REAL(statvfs64);
        int result = real(path, status);
        if (asked("full")) status->f_bavail = 0;
        return result;
      }
      // A machine that does something else for a second between any two looks at the clock, once the file was opened.
      int clock_gettime(clockid_t clock, struct timespec *time) {
        REAL(clock_gettime);
        int result = real(clock, time);
        if (atomic_load(&is_busy)) time->tv_sec += atomic_fetch_add(&calls, 1);
        return result;
      }
      // A sound device that cannot be opened.
      int snd_pcm_open(void **pcm, const char *name, int stream, int mode) {
        int (*real)(void **, const char *, int, int) = (__typeof__(real))dlsym(RTLD_NEXT, "snd_pcm_open");
        return fails("device", name) ? -atoi(getenv("FAULT_CODE")) : real(pcm, name, stream, mode);
      }
      """, "-ldl")
  }

  /// Path of a plugin for ALSA, the type `clocked`: a card that records silence and plays for nobody, at the speed of the
  /// machine's clock. With CARD_IS_DEAD it claims to be ready again and again, and moves nothing.
  static let card = Result {
    try build(
      "card",
      """
      #include <alsa/asoundlib.h>
      #include <alsa/pcm_external.h>
      #include <stdint.h>
      #include <stdlib.h>
      #include <sys/timerfd.h>
      #include <time.h>
      #include <unistd.h>
      typedef struct { snd_pcm_ioplug_t io; int timer; uint64_t begun; } card_t;
      static uint64_t now(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
      }
      static int is_dead(void) { return getenv("CARD_IS_DEAD") != NULL; }
      static int begin(snd_pcm_ioplug_t *io) {
        ((card_t *)io->private_data)->begun = now();
        if (io->stream == SND_PCM_STREAM_CAPTURE)
          snd_pcm_areas_silence(snd_pcm_ioplug_mmap_areas(io), 0, io->channels, io->buffer_size, io->format);
        return 0;
      }
      static int end(snd_pcm_ioplug_t *io) { (void)io; return 0; }
      static snd_pcm_sframes_t pointer(snd_pcm_ioplug_t *io) {
        card_t *card = io->private_data;
        uint64_t frames = is_dead() ? 0 : (uint64_t)((now() - card->begun) * 1e-9 * io->rate);
        return frames % io->buffer_size;
      }
      static int shut(snd_pcm_ioplug_t *io) { card_t *card = io->private_data; close(card->timer); free(card); return 0; }
      static int revents(snd_pcm_ioplug_t *io, struct pollfd *fd, unsigned int n, unsigned short *events) {
        uint64_t count;
        if (!is_dead() && read(fd[0].fd, &count, sizeof count) < 0) count = 0;
        *events = n && fd[0].revents ? (io->stream == SND_PCM_STREAM_PLAYBACK ? POLLOUT : POLLIN) : 0;
        return 0;
      }
      static const snd_pcm_ioplug_callback_t calls = {
        .start = begin, .stop = end, .pointer = pointer, .close = shut, .poll_revents = revents };
      SND_PCM_PLUGIN_DEFINE_FUNC(clocked) {
        (void)root; (void)conf;
        card_t *card = calloc(1, sizeof *card);
        card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        struct itimerspec each = { { 0, 2000000 }, { 0, 2000000 } };
        timerfd_settime(card->timer, 0, &each, NULL);
        card->io = (snd_pcm_ioplug_t){ .version = SND_PCM_IOPLUG_VERSION, .name = "a card with a clock",
          .callback = &calls, .private_data = card, .poll_fd = card->timer, .poll_events = POLLIN, .mmap_rw = 1 };
        int error = snd_pcm_ioplug_create(&card->io, name, stream, mode);
        if (error < 0) return error;
        unsigned int access[] = { SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED };
        unsigned int format[] = { SND_PCM_FORMAT_S16_LE };
        snd_pcm_ioplug_set_param_list(&card->io, SND_PCM_IOPLUG_HW_ACCESS, 2, access);
        snd_pcm_ioplug_set_param_list(&card->io, SND_PCM_IOPLUG_HW_FORMAT, 1, format);
        snd_pcm_ioplug_set_param_minmax(&card->io, SND_PCM_IOPLUG_HW_CHANNELS, 1, 2);
        snd_pcm_ioplug_set_param_minmax(&card->io, SND_PCM_IOPLUG_HW_RATE, 48000, 48000);
        snd_pcm_ioplug_set_param_minmax(&card->io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 16);
        snd_pcm_ioplug_set_param_minmax(&card->io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
        *pcmp = card->io.pcm;
        return 0;
      }
      SND_PCM_PLUGIN_SYMBOL(clocked);
      """, "-DPIC", "-lasound")
  }

  private static let directory: Result<TemporaryDirectory, any Error> = Result {
    // What is static has no end of its own.
    atexit { try? FileManager.default.removeItem(atPath: Faults.directory.get().path) }
    return try TemporaryDirectory()
  }

  private static func build(_ name: String, _ source: String, _ options: String...) throws -> String {
    let directory = try directory.get()
    try source.write(toFile: directory.file(name + ".c"), atomically: true, encoding: .utf8)
    let build = "-shared -fPIC -w -o \(name).so \(name).c " + options.joined(separator: " ")
    let built = try Program.shell("clang \(build) || cc \(build)", directory: directory)
    guard built.code == 0 else { throw Unbuilt(errors: built.errors) }
    return directory.file(name + ".so")
  }

  private struct Unbuilt: Error { let errors: String }
}
