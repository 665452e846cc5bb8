// The first process of a container in which a function of the SDK runs: `forward [[PORT]=SOCKET]... -- COMMAND...`
//
// - Takes variables for the command from a Unix SOCKET without a PORT: texts NAME=VALUE, each with a NUL at its end, and
//   an empty one after the last. So neither the container engine nor /proc/1/environ has them.
// - Starts the command, passes the signals that it gets on to it, reaps every process that has lost its parent, and
//   ends as the command does: with its exit code, or 128 + the signal that ended it. 127: there is no such command.
// - Listens on 127.0.0.1 and ::1 at each PORT of the container, and carries each connection to the Unix SOCKET, behind
//   which the emulator is. Nothing listens on an address that other machines or containers reach.
//
// One thread, and no memory but 16 kB for each connection and direction. `node scripts/forward.ts` makes it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_PORTS = 16, MAX_CONNECTIONS = 4096, CAPACITY = 16 * 1024, EVENTS = 64, FULL_MS = 100 };
enum { DESCRIPTORS = 2 * MAX_CONNECTIONS + 64 };
enum { WRONG_USE = 64, NO_RESOURCES = 71, CANNOT_RUN = 126, NOT_FOUND = 127 };

/* What a descriptor that epoll reports belongs to; the first field of each structure below. */
enum kind { SIGNALS, LISTENER, END };

struct listener {
  enum kind kind;
  int fd;
  const char *socket;
};

struct connection;

/* One end of a connection, with what was read from it and is to be written to the other end. */
struct end {
  enum kind kind;
  int fd;
  struct connection *connection;
  struct end *other;
  size_t from, length;
  int is_read_up;   /* nothing more comes from it */
  int is_finished;  /* the other end has got all of it, and was told so */
  int is_gone;      /* it was closed, and what it sent before is in the kernel's memory */
  char bytes[CAPACITY];
};

struct connection {
  struct end here, there;
  int is_over;
  struct connection *next_over;
};

static int poller;
static struct listener listeners[2 * MAX_PORTS];
static int listener_count, connection_count;
static struct connection *over;
static int is_full;  /* there is no descriptor for another connection */

static int fail(const char *what, int code) {
  fprintf(stderr, "minifal: %s: %s\n", what, strerror(errno));
  return code;
}

static int watch(int fd, void *what, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = what};
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

/* Connections */

/* epoll would report clients that can't be accepted again and again. */
static void set_full(int full) {
  is_full = full;
  for (int index = 0; index < listener_count; index++) {
    struct epoll_event event = {.events = full ? 0 : EPOLLIN, .data.ptr = &listeners[index]};
    epoll_ctl(poller, EPOLL_CTL_MOD, listeners[index].fd, &event);
  }
}

/* Freed after the events of this turn, which may still name its ends. */
static void end_connection(struct connection *connection) {
  if (connection->is_over) return;
  connection->is_over = 1;
  close(connection->here.fd);
  close(connection->there.fd);
  connection->next_over = over;
  over = connection;
}

static void free_ended(void) {
  if (over && is_full) set_full(0);
  while (over) {
    struct connection *next = over->next_over;
    free(over);
    over = next;
    connection_count--;
  }
}

/* Reads from one end and writes to the other, until one of them has to be waited for. -1: the connection is broken. */
static int carry(struct end *from) {
  struct end *to = from->other;
  /* What has gone is not reported again. */
  for (int turn = 0; turn < 4 || from->is_gone; turn++) {
    if (from->length == 0 && !from->is_read_up) {
      ssize_t got = read(from->fd, from->bytes, CAPACITY);
      if (got < 0 && errno != EAGAIN && errno != EINTR) return -1;
      if (got < 0) break;
      from->is_read_up = got == 0;
      from->from = 0;
      from->length = got;
    }
    if (from->length == 0) break;
    ssize_t put = send(to->fd, from->bytes + from->from, from->length, MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN && errno != EINTR) return -1;
    if (put < 0) break;
    from->from += put;
    from->length -= put;
  }
  if (from->is_read_up && from->length == 0 && !from->is_finished) {
    from->is_finished = 1;
    shutdown(to->fd, SHUT_WR);
  }
  return 0;
}

/* Waits for what the end can go on with: bytes to read if there is room, room if there are bytes for it. */
static int await(struct end *end) {
  unsigned events = 0;
  if (end->is_gone) return 0;
  if (end->length == 0 && !end->is_read_up) events |= EPOLLIN;
  if (end->other->length > 0) events |= EPOLLOUT;
  struct epoll_event event = {.events = events, .data.ptr = end};
  return epoll_ctl(poller, EPOLL_CTL_MOD, end->fd, &event);
}

/* epoll would report that an end was closed again and again. Nothing can be sent to it any more. */
static void forget(struct end *end) {
  end->is_gone = 1;
  epoll_ctl(poller, EPOLL_CTL_DEL, end->fd, NULL);
  end->other->length = 0;
  end->other->is_read_up = end->other->is_finished = 1;
}

static void on_end(struct end *end, unsigned events) {
  struct connection *connection = end->connection;
  if (connection->is_over) return;
  struct end *here = &connection->here, *there = &connection->there;
  if ((events & EPOLLHUP) && !end->is_gone) forget(end);
  int is_broken = (events & EPOLLERR) || carry(here) || carry(there);
  if (is_broken || (here->is_finished && there->is_finished) || await(here) || await(there))
    end_connection(connection);
}

static void attach(struct connection *connection, struct end *end, struct end *other, int fd) {
  end->kind = END;
  end->fd = fd;
  end->connection = connection;
  end->other = other;
}

/* Waits a moment for room if the emulator has not accepted many earlier connections yet. */
static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval patience = {.tv_sec = 1};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) return fd;
  close(fd);
  return -1;
}

static void on_listener(struct listener *listener) {
  int one = 1;
  int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) set_full(1);
    return;
  }
  /* While the emulator is away, a client sees its connection closed, as by a server that ends. */
  int other = connection_count < MAX_CONNECTIONS ? connect_to(listener->socket) : -1;
  struct connection *connection = other < 0 ? NULL : calloc(1, sizeof *connection);
  if (connection == NULL) {
    if (other >= 0) close(other);
    close(fd);
    return;
  }
  connection_count++;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  attach(connection, &connection->here, &connection->there, fd);
  attach(connection, &connection->there, &connection->here, other);
  if (watch(fd, &connection->here, EPOLLIN) || watch(other, &connection->there, EPOLLIN)) end_connection(connection);
}

static int listen_at(const struct sockaddr *address, socklen_t size, const char *path) {
  int one = 1;
  int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (address->sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (bind(fd, address, size) || listen(fd, 128)) {
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
  }
  listeners[listener_count] = (struct listener){.kind = LISTENER, .fd = fd, .socket = path};
  return watch(fd, &listeners[listener_count++], EPOLLIN);
}

/* `order`: PORT=SOCKET. */
static int forward(char *order) {
  char *separator = strchr(order, '=');
  if (separator == NULL || listener_count + 2 > 2 * MAX_PORTS) return WRONG_USE;
  int port = atoi(order);
  const char *path = separator + 1;
  if (port < 1 || port > 65535 || strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path) return WRONG_USE;
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listen_at((struct sockaddr *)&v4, sizeof v4, path)) return fail("can't listen in the container", NO_RESOURCES);
  /* Many containers have no IPv6: clients then use IPv4. */
  listen_at((struct sockaddr *)&v6, sizeof v6, path);
  return 0;
}

/* Variables */

/* They stay in memory, as the environment does. */
static int take_variables(const char *path) {
  size_t size = 0, room = 0;
  char *texts = NULL;
  int fd = connect_to(path);
  if (fd < 0 || fcntl(fd, F_SETFL, 0)) return fail("can't get the variables", NO_RESOURCES);
  for (;;) {
    if (size + CAPACITY > room) texts = realloc(texts, room += room + CAPACITY);
    if (texts == NULL) return fail("can't get the variables", NO_RESOURCES);
    ssize_t got = read(fd, texts + size, CAPACITY);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("can't get the variables", NO_RESOURCES);
    if (got == 0) break;
    size += got;
  }
  close(fd);
  /* Without the empty text at the end, some are missing. */
  if (size == 0 || texts[size - 1] || (size > 1 && texts[size - 2])) {
    fprintf(stderr, "minifal: can't get the variables: the emulator ended\n");
    return NO_RESOURCES;
  }
  for (char *text = texts; *text; text += strlen(text) + 1)
    if (putenv(text)) return fail("can't set the variables", NO_RESOURCES);
  return 0;
}

/* Processes */

static pid_t start(char **command, const sigset_t *signals, const struct rlimit *descriptors) {
  pid_t child = fork();
  if (child != 0) return child;
  setpgid(0, 0);
  setrlimit(RLIMIT_NOFILE, descriptors);
  sigprocmask(SIG_SETMASK, signals, NULL);
  execvp(command[0], command);
  int reason = errno;
  fprintf(stderr, "minifal: %s: %s\n", command[0], strerror(reason));
  _exit(reason == ENOENT || reason == ENOTDIR ? NOT_FOUND : CANNOT_RUN);
}

/* Ends this process, and with it the container, when the command has ended. */
static void reap(pid_t command) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != command) continue;
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

static void on_signals(int fd, pid_t command) {
  struct signalfd_siginfo about;
  while (read(fd, &about, sizeof about) == sizeof about) {
    if (about.ssi_signo == SIGCHLD) reap(command);
    else kill(command, about.ssi_signo);
  }
}

/* As many descriptors as the connections may need, if the container allows it. `before`: what the command has. */
static void take_descriptors(struct rlimit *before) {
  struct rlimit ours;
  getrlimit(RLIMIT_NOFILE, before);
  ours = *before;
  if (ours.rlim_cur >= DESCRIPTORS) return;
  ours.rlim_cur = ours.rlim_max < DESCRIPTORS ? ours.rlim_max : DESCRIPTORS;
  setrlimit(RLIMIT_NOFILE, &ours);
}

int main(int count, char **arguments) {
  int at = 1;
  sigset_t ours, before;
  struct rlimit descriptors;
  enum kind signals = SIGNALS;
  struct epoll_event events[EVENTS];
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) return fail("can't start", NO_RESOURCES);
  for (; at < count && strcmp(arguments[at], "--") != 0; at++) {
    int code = arguments[at][0] == '=' ? take_variables(arguments[at] + 1) : forward(arguments[at]);
    if (code) return code;
  }
  if (at + 1 >= count) return WRONG_USE;
  sigfillset(&ours);
  for (const int *fault = (const int[]){SIGSEGV, SIGBUS, SIGFPE, SIGILL, 0}; *fault; fault++) sigdelset(&ours, *fault);
  sigprocmask(SIG_BLOCK, &ours, &before);
  int signal_fd = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
  if (signal_fd < 0 || watch(signal_fd, &signals, EPOLLIN)) return fail("can't start", NO_RESOURCES);
  take_descriptors(&descriptors);
  pid_t command = start(&arguments[at + 1], &before, &descriptors);
  if (command < 0) return fail("can't start a process", NO_RESOURCES);
  for (;;) {
    int happened = epoll_wait(poller, events, EVENTS, is_full ? FULL_MS : -1);
    if (happened == 0) set_full(0);
    for (int index = 0; index < happened; index++) {
      enum kind *what = events[index].data.ptr;
      if (*what == SIGNALS) on_signals(signal_fd, command);
      else if (*what == LISTENER) on_listener((struct listener *)what);
      else on_end((struct end *)what, events[index].events);
    }
    free_ended();
  }
}
