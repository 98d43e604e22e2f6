/* Counts what each rank of a program hands to MPI, by the profiling interface; preloaded, so the program is as it is:

     MPI_COUNT=PREFIX LD_PRELOAD=libmpi_count.so mpirun -n 4 subspan ...

   Rank R writes PREFIX.R.json at MPI_Finalize. "calls" has one entry for each (caller, function, ranks of the
   communicator, bytes): how many calls of that function handed over so many bytes; "seconds" since MPI_Init, "cpu" of
   this thread, and "mpi_seconds" and "mpi_cpu", those of both within these calls and within waiting. The caller is
   "own" for libsubspan and the program, else the library's file. Bytes are of what the rank gives away (of what it
   gets, in a broadcast, of all it sends to others, in an all-to-all); what a library does inside MPI is not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { most_entries = 1 << 14, most_callers = 64, most_sites = 1 << 12, most_persistent = 1 << 14 };

typedef struct {
  const char *function;
  int caller, ranks;
  long long bytes, calls;
} Entry;

static Entry entries[most_entries];
static int n_entries;
static char callers[most_callers][64];
static int n_callers;
static struct {
  void *address;
  int caller;
} sites[most_sites]; /* an open hash table: dladdr is slow */
static struct {
  MPI_Request request;
  const char *function;
  int caller, ranks;
  long long bytes;
} persistent[most_persistent];
static int n_persistent;
static double read_before, written_before;
static struct {
  double seconds, cpu;
} start, entered, within;

/* Bytes that this process read and wrote by system calls. */
static void ReadWritten(double *read, double *written)
{
  char line[64];
  FILE *file = fopen("/proc/self/io", "r");
  *read = *written = 0;
  while (file && fgets(line, sizeof line, file)) {
    if (sscanf(line, "rchar: %lf", read) == 1) continue;
    if (sscanf(line, "wchar: %lf", written) != 1) break;
  }
  if (file) fclose(file);
}

static double Clock(clockid_t id)
{
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void Begin(void)
{
  ReadWritten(&read_before, &written_before);
  start.seconds = Clock(CLOCK_MONOTONIC);
  start.cpu     = Clock(CLOCK_THREAD_CPUTIME_ID);
}

/* Around a call of MPI. */
static void Enter(void)
{
  entered.seconds = Clock(CLOCK_MONOTONIC);
  entered.cpu     = Clock(CLOCK_THREAD_CPUTIME_ID);
}

static int Leave(int status)
{
  within.seconds += Clock(CLOCK_MONOTONIC) - entered.seconds;
  within.cpu += Clock(CLOCK_THREAD_CPUTIME_ID) - entered.cpu;
  return status;
}

static int FindCaller(void *address)
{
  Dl_info info;
  char name[64] = "unknown";
  if (dladdr(address, &info) && info.dli_fname) {
    const char *slash = strrchr(info.dli_fname, '/');
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : info.dli_fname);
    char *dot = strstr(name, ".so");
    if (dot) *dot = 0;
    if (!strcmp(name, "libsubspan") || !strcmp(name, "subspan") || !strncmp(name, "test-", 5)) strcpy(name, "own");
  }
  for (int i = 0; i < n_callers; i++)
    if (!strcmp(callers[i], name)) return i;
  if (n_callers == most_callers) return 0;
  strcpy(callers[n_callers], name);
  return n_callers++;
}

static int Caller(void *address)
{
  size_t at = ((uintptr_t)address * UINT64_C(0x9E3779B97F4A7C15)) >> 52;
  for (int i = 0; i < most_sites; i++, at = (at + 1) % most_sites) {
    if (sites[at].address == address) return sites[at].caller;
    if (sites[at].address) continue;
    sites[at].address       = address;
    return sites[at].caller = FindCaller(address);
  }
  return FindCaller(address);
}

static void Add(int caller, const char *function, int ranks, long long bytes)
{
  for (int i = 0; i < n_entries; i++) {
    Entry *e = &entries[i];
    if (e->function != function || e->caller != caller || e->ranks != ranks || e->bytes != bytes) continue;
    e->calls++;
    return;
  }
  if (n_entries == most_entries) { /* never silently */
    fprintf(stderr, "mpi_count: too many kinds of calls\n");
    PMPI_Abort(MPI_COMM_WORLD, 1);
  }
  entries[n_entries++] = (Entry){function, caller, ranks, bytes, 1};
}

static int Ranks(MPI_Comm comm)
{
  int n = 0;
  if (comm != MPI_COMM_NULL) PMPI_Comm_size(comm, &n);
  return n;
}

static int Rank(MPI_Comm comm)
{
  int rank = 0;
  PMPI_Comm_rank(comm, &rank);
  return rank;
}

static long long Size(long long count, MPI_Datatype type)
{
  int size = 0;
  if (type != MPI_DATATYPE_NULL) PMPI_Type_size(type, &size);
  return count * size;
}

/* To others. */
static long long Sent(const int counts[], MPI_Datatype type, MPI_Comm comm)
{
  long long all   = 0;
  const int ranks = Ranks(comm), rank = Rank(comm);
  for (int i = 0; i < ranks; i++)
    if (i != rank) all += counts[i];
  return Size(all, type);
}

#define COUNT(name, bytes, comm) Add(Caller(__builtin_return_address(0)), name, Ranks(comm), bytes)

/* A function of MPI whose payload is `bytes`, a formula of its arguments. */
#define WRAP(name, bytes, comm, parameters, arguments)                                                                 \
  int MPI_##name parameters                                                                                            \
  {                                                                                                                    \
    COUNT(#name, bytes, comm);                                                                                         \
    Enter();                                                                                                           \
    return Leave(PMPI_##name arguments);                                                                               \
  }

WRAP(Send, Size(n, t), c, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c), (b, n, t, to, tag, c))
WRAP(Isend, Size(n, t), c, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r),
     (b, n, t, to, tag, c, r))
WRAP(Sendrecv, to == MPI_PROC_NULL ? 0 : Size(n, t), c,
     (const void *b, int n, MPI_Datatype t, int to, int tag, void *a, int m, MPI_Datatype u, int from, int other,
      MPI_Comm c, MPI_Status *s),
     (b, n, t, to, tag, a, m, u, from, other, c, s))
WRAP(Barrier, 0, c, (MPI_Comm c), (c))
WRAP(Bcast, Size(n, t), c, (void *b, int n, MPI_Datatype t, int root, MPI_Comm c), (b, n, t, root, c))
WRAP(Reduce, Size(n, t), c, (const void *b, void *a, int n, MPI_Datatype t, MPI_Op o, int root, MPI_Comm c),
     (b, a, n, t, o, root, c))
WRAP(Allreduce, Size(n, t), c, (const void *b, void *a, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c),
     (b, a, n, t, o, c))
WRAP(Iallreduce, Size(n, t), c, (const void *b, void *a, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c, MPI_Request *r),
     (b, a, n, t, o, c, r))
WRAP(Scan, Size(n, t), c, (const void *b, void *a, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c), (b, a, n, t, o, c))
WRAP(Exscan, Size(n, t), c, (const void *b, void *a, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c), (b, a, n, t, o, c))
WRAP(Gather, Size(n, t), c,
     (const void *b, int n, MPI_Datatype t, void *a, int m, MPI_Datatype u, int root, MPI_Comm c),
     (b, n, t, a, m, u, root, c))
WRAP(Gatherv, Size(n, t), c,
     (const void *b, int n, MPI_Datatype t, void *a, const int *m, const int *d, MPI_Datatype u, int root, MPI_Comm c),
     (b, n, t, a, m, d, u, root, c))
WRAP(Allgather, b == MPI_IN_PLACE ? Size(m, u) : Size(n, t), c,
     (const void *b, int n, MPI_Datatype t, void *a, int m, MPI_Datatype u, MPI_Comm c), (b, n, t, a, m, u, c))
WRAP(Allgatherv, b == MPI_IN_PLACE ? Size(m[Rank(c)], u) : Size(n, t), c,
     (const void *b, int n, MPI_Datatype t, void *a, const int *m, const int *d, MPI_Datatype u, MPI_Comm c),
     (b, n, t, a, m, d, u, c))
WRAP(Alltoall, Size((long long)n *(Ranks(c) - 1), t), c,
     (const void *b, int n, MPI_Datatype t, void *a, int m, MPI_Datatype u, MPI_Comm c), (b, n, t, a, m, u, c))
WRAP(Alltoallv, Sent(n, t, c), c,
     (const void *b, const int *n, const int *d, MPI_Datatype t, void *a, const int *m, const int *e, MPI_Datatype u,
      MPI_Comm c),
     (b, n, d, t, a, m, e, u, c))
WRAP(Reduce_scatter_block, Size((long long)n *Ranks(c), t), c,
     (const void *b, void *a, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c), (b, a, n, t, o, c))
WRAP(Comm_split, 0, c, (MPI_Comm c, int colour, int key, MPI_Comm *out), (c, colour, key, out))
WRAP(Comm_split_type, 0, c, (MPI_Comm c, int type, int key, MPI_Info i, MPI_Comm *out), (c, type, key, i, out))
WRAP(Comm_dup, 0, c, (MPI_Comm c, MPI_Comm *out), (c, out))

/* Waiting, which hands over nothing. */
#define WAIT(name, parameters, arguments)                                                                              \
  int MPI_##name parameters                                                                                            \
  {                                                                                                                    \
    Enter();                                                                                                           \
    return Leave(PMPI_##name arguments);                                                                               \
  }

WAIT(Wait, (MPI_Request * r, MPI_Status *s), (r, s))
WAIT(Waitall, (int n, MPI_Request r[], MPI_Status s[]), (n, r, s))
WAIT(Waitany, (int n, MPI_Request r[], int *i, MPI_Status *s), (n, r, i, s))
WAIT(Test, (MPI_Request * r, int *done, MPI_Status *s), (r, done, s))
WAIT(Testall, (int n, MPI_Request r[], int *done, MPI_Status s[]), (n, r, done, s))
WAIT(Recv, (void *b, int n, MPI_Datatype t, int from, int tag, MPI_Comm c, MPI_Status *s), (b, n, t, from, tag, c, s))

/* A persistent request counts each time it is started. */
int MPI_Send_init(const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r)
{
  const int status = PMPI_Send_init(b, n, t, to, tag, c, r);
  if (n_persistent < most_persistent) {
    persistent[n_persistent].request  = *r;
    persistent[n_persistent].function = "Start";
    persistent[n_persistent].caller   = Caller(__builtin_return_address(0));
    persistent[n_persistent].ranks    = Ranks(c);
    persistent[n_persistent].bytes    = Size(n, t);
    n_persistent++;
  }
  return status;
}

static void Started(MPI_Request r)
{
  for (int i = 0; i < n_persistent; i++)
    if (persistent[i].request == r) {
      Add(persistent[i].caller, persistent[i].function, persistent[i].ranks, persistent[i].bytes);
      return;
    }
}

int MPI_Start(MPI_Request *r)
{
  Started(*r);
  return PMPI_Start(r);
}

int MPI_Startall(int n, MPI_Request r[])
{
  for (int i = 0; i < n; i++) Started(r[i]);
  return PMPI_Startall(n, r);
}

int MPI_Request_free(MPI_Request *r)
{
  for (int i = 0; i < n_persistent; i++)
    if (persistent[i].request == *r) {
      persistent[i] = persistent[--n_persistent];
      break;
    }
  return PMPI_Request_free(r);
}

int MPI_Init_thread(int *argc, char ***argv, int wanted, int *given)
{
  const int status = PMPI_Init_thread(argc, argv, wanted, given);
  Begin();
  return status;
}

int MPI_Init(int *argc, char ***argv)
{
  const int status = PMPI_Init(argc, argv);
  Begin();
  return status;
}

static void Write(const char prefix[])
{
  char path[4096];
  double read, written;
  struct rusage usage;
  ReadWritten(&read, &written);
  getrusage(RUSAGE_SELF, &usage);
  snprintf(path, sizeof path, "%s.%d.json", prefix, Rank(MPI_COMM_WORLD));
  FILE *out = fopen(path, "w");
  if (!out) {
    fprintf(stderr, "mpi_count: %s cannot be written\n", path);
    return;
  }
  fprintf(out, "{\"rank\": %d, \"ranks\": %d, \"peak_memory\": %.0f, \"bytes_read\": %.0f, \"bytes_written\": %.0f,\n",
          Rank(MPI_COMM_WORLD), Ranks(MPI_COMM_WORLD), 1024. * (double)usage.ru_maxrss, read - read_before,
          written - written_before);
  fprintf(out, " \"seconds\": %.6f, \"cpu\": %.6f, \"mpi_seconds\": %.6f, \"mpi_cpu\": %.6f,\n",
          Clock(CLOCK_MONOTONIC) - start.seconds, Clock(CLOCK_THREAD_CPUTIME_ID) - start.cpu, within.seconds,
          within.cpu);
  fprintf(out, " \"calls\": [");
  for (int i = 0; i < n_entries; i++)
    fprintf(out, "%s\n  {\"caller\": \"%s\", \"function\": \"%s\", \"ranks\": %d, \"bytes\": %lld, \"calls\": %lld}",
            i ? "," : "", callers[entries[i].caller], entries[i].function, entries[i].ranks, entries[i].bytes,
            entries[i].calls);
  fprintf(out, "\n]}\n");
  fclose(out);
}

int MPI_Finalize(void)
{
  const char *prefix = getenv("MPI_COUNT");
  if (prefix) Write(prefix);
  return PMPI_Finalize();
}
