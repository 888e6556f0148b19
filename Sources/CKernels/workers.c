// A pool that spins while a model step runs and sleeps between steps.
//
// A job is divided into parts. Each thread, the caller included, has a share of neighbouring parts that it claims one
// by one from the front, so that it reads memory in one stream. A thread whose share is empty claims parts from the
// back of other shares. A worker that is preempted claims nothing, so on a busy machine the caller continues alone; it
// waits only for parts that have been claimed.

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CKernels.h"

enum { SPINS_BEFORE_SLEEP = 4000, SPINS_BEFORE_YIELD = 500 };

typedef struct {
  _Alignas(64) _Atomic uint64_t left;  // rest of its share: the round in the upper half, then first part and end, 16 bits each
  ap_workers *pool;
  pthread_t id;
} worker;

struct ap_workers {
  int threads;
  worker *workers;  // the first is the caller
  void (*body)(const void *, intptr_t, intptr_t);
  const void *context;
  uint32_t parts;
  _Atomic uint32_t round;     // a new value starts a job
  _Atomic uint32_t done;      // parts finished
  _Atomic uint32_t sleepers;  // workers waiting in the kernel
  _Atomic bool busy;          // a caller's job is on the workers
  _Atomic bool stop;
};

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Claims a part of a round's share, from its front or its back; -1 when none is left.
static int32_t claim(worker *from, uint32_t round, bool front) {
  uint64_t left = atomic_load_explicit(&from->left, memory_order_acquire);
  for (;;) {
    uint32_t first = (uint16_t)(left >> 16), end = (uint16_t)left;
    if ((uint32_t)(left >> 32) != round || first == end) return -1;
    if (atomic_compare_exchange_weak_explicit(&from->left, &left, front ? left + (1 << 16) : left - 1,
                                              memory_order_acquire, memory_order_acquire))
      return (int32_t)(front ? first : end - 1);
  }
}

// Runs parts of a round until none is left. The job's fields are read only after a claim has succeeded: the caller
// waits for every claimed part, so the fields cannot change meanwhile.
static void run_parts(worker *me, uint32_t round) {
  ap_workers *pool = me->pool;
  for (int i = 0; i < pool->threads; i++) {
    worker *from = &pool->workers[(me - pool->workers + i) % pool->threads];
    for (int32_t part; (part = claim(from, round, i == 0)) >= 0;) {
      pool->body(pool->context, part, pool->parts);
      atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
    }
  }
}

static void *work(void *argument) {
  worker *me = argument;
  ap_workers *pool = me->pool;
  uint32_t seen = 0;
  for (;;) {
    int spins = 0;
    while (atomic_load_explicit(&pool->round, memory_order_acquire) == seen) {
      if (++spins < SPINS_BEFORE_SLEEP) {
        relax();
        continue;
      }
      atomic_fetch_add(&pool->sleepers, 1);
      syscall(SYS_futex, &pool->round, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
      atomic_fetch_sub(&pool->sleepers, 1);
      spins = 0;
    }
    seen = atomic_load_explicit(&pool->round, memory_order_acquire);
    if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return NULL;
    run_parts(me, seen);
  }
}

ap_workers *ap_workers_create(int threads) {
  if (threads <= 1) return NULL;
  ap_workers *pool = calloc(1, sizeof *pool);
  pool->workers = aligned_alloc(_Alignof(worker), (size_t)threads * sizeof(worker));
  for (int i = 0; i < threads; i++) pool->workers[i] = (worker){.pool = pool};
  // No worker looks at another's share before the first round, by which time the number of threads is final.
  pool->threads = threads;
  for (int i = 1; i < threads; i++) {
    if (pthread_create(&pool->workers[i].id, NULL, work, &pool->workers[i]) != 0) {
      // With fewer threads than requested, the results are the same but take longer.
      pool->threads = i;
      break;
    }
  }
  return pool;
}

int ap_workers_count(const ap_workers *pool) { return pool ? pool->threads : 1; }

void ap_workers_run(ap_workers *pool, void (*body)(const void *, intptr_t, intptr_t), const void *context,
                    intptr_t parts) {
  // A second caller does not wait for the first: it computes alone, with the same result.
  if (!pool || pool->threads == 1 || parts <= 1 ||
      atomic_exchange_explicit(&pool->busy, true, memory_order_acquire)) {
    body(context, 0, 1);
    return;
  }
  if (parts > UINT16_MAX) parts = UINT16_MAX;
  uint32_t round = atomic_load_explicit(&pool->round, memory_order_relaxed) + 1;
  pool->body = body;
  pool->context = context;
  pool->parts = (uint32_t)parts;
  atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
  for (int i = 0; i < pool->threads; i++) {
    uint64_t first = (uint64_t)(parts * i / pool->threads), end = (uint64_t)(parts * (i + 1) / pool->threads);
    atomic_store_explicit(&pool->workers[i].left, (uint64_t)round << 32 | first << 16 | end, memory_order_release);
  }
  // Sequentially consistent, so that a worker about to sleep is either counted here or sees the new round.
  atomic_store(&pool->round, round);
  if (atomic_load(&pool->sleepers)) syscall(SYS_futex, &pool->round, FUTEX_WAKE_PRIVATE, pool->threads, NULL, NULL, 0);
  run_parts(pool->workers, round);
  int spins = 0;
  while (atomic_load_explicit(&pool->done, memory_order_acquire) != (uint32_t)parts) {
    if (++spins < SPINS_BEFORE_YIELD) {
      relax();
    } else {
      sched_yield();
    }
  }
  atomic_store_explicit(&pool->busy, false, memory_order_release);
}

typedef struct {
  const ap_table *table;
  const ap_product *job;
} product_job;

static void run_product(const void *context, intptr_t part, intptr_t parts) {
  const product_job *p = context;
  p->table->product(p->job, part, parts);
}

void ap_run_product(ap_workers *pool, const ap_table *table, const ap_product *job, intptr_t parts) {
  if (job->format != AP_PANELS_Q8 && job->format != AP_PANELS_Q4) {
    ap_workers_run(pool, run_product, &(product_job){table, job}, parts);
    return;
  }
  // Rounded columns lie on the stack, so their number at once is limited.
  enum { BLOCK = 32, MOST_BYTES = 256 << 10 };
  intptr_t depth = job->depth, most = MOST_BYTES / depth;
  intptr_t some = job->columns < most ? job->columns : most;
  int8_t bytes[some * depth] __attribute__((aligned(64)));
  float scales[some * depth / BLOCK];
  int32_t sums[some * depth / BLOCK];
  ap_rounded rounded = {bytes, scales, sums};
  for (intptr_t c = 0; c < job->columns; c += some) {
    ap_product now = *job;
    now.x += c * job->x_stride;
    now.y += c * job->y_stride;
    now.columns = job->columns - c < some ? job->columns - c : some;
    now.rounded = &rounded;
    table->round(now.x, now.x_stride, depth, now.columns, &rounded);
    ap_workers_run(pool, run_product, &(product_job){table, &now}, parts);
  }
}

typedef struct {
  void (*half)(const ap_attention *, intptr_t, intptr_t);
  const ap_attention *job;
} attention_job;

static void run_attention(const void *context, intptr_t part, intptr_t parts) {
  const attention_job *a = context;
  a->half(a->job, part, parts);
}

void ap_run_attention(ap_workers *pool, const ap_table *table, const ap_attention *job, intptr_t storing,
                      intptr_t reading) {
  // A query may see any column of its block, so all keys and values are stored before any attention is computed.
  ap_workers_run(pool, run_attention, &(attention_job){table->remember, job}, storing);
  ap_workers_run(pool, run_attention, &(attention_job){table->attention, job}, reading);
}

typedef struct {
  const ap_table *table;
  const char *memory;
  intptr_t bytes;
  _Atomic uint32_t result;
} read_job;

static void run_read(const void *context, intptr_t part, intptr_t parts) {
  read_job *r = (read_job *)context;
  intptr_t pages = r->bytes >> 12, first = pages * part / parts, last = pages * (part + 1) / parts;
  atomic_fetch_xor(&r->result, r->table->read(r->memory + (first << 12), (last - first) << 12));
}

void ap_run_read(ap_workers *pool, const ap_table *table, const void *memory, intptr_t bytes) {
  read_job job = {table, memory, bytes, 0};
  ap_workers_run(pool, run_read, &job, 8 * ap_workers_count(pool));
}

void ap_workers_destroy(ap_workers *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, true);
  atomic_fetch_add(&pool->round, 1);
  syscall(SYS_futex, &pool->round, FUTEX_WAKE_PRIVATE, pool->threads, NULL, NULL, 0);
  for (int i = 1; i < pool->threads; i++) pthread_join(pool->workers[i].id, NULL);
  free(pool->workers);
  free(pool);
}
