/** Servers that aren't ordinary Python, as text: each answers HTTP with `hi`. */

const answer = 'HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\nhi';

/** On all addresses and the port in its argument, using only system calls. */
export const c = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/syscall.h>
int main(int n, char **arguments) {
  int s = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in any = { AF_INET, htons(atoi(arguments[1])) };
  if (syscall(SYS_bind, s, &any, sizeof any) || syscall(SYS_listen, s, 9)) { perror("server"); return 1; }
  for (;;) {
    int c = accept(s, 0, 0); char in[4096], *out = "${answer}";
    read(c, in, sizeof in); write(c, out, strlen(out)); close(c);
  }
}`;

export const rust = `
use std::io::{Read, Write};
fn main() {
    let port = std::env::args().nth(1).unwrap();
    for c in std::net::TcpListener::bind(format!("[::]:{port}")).unwrap().incoming() {
        let mut c = c.unwrap(); let _ = c.read(&mut [0; 4096]); let _ = c.write_all(b"${answer}");
    }
}`;

export const go = `
package main
import ("net"; "os")
func main() {
	l, err := net.Listen("tcp", ":" + os.Args[1])
	if err != nil { panic(err) }
	for { c, _ := l.Accept(); c.Read(make([]byte, 4096)); c.Write([]byte("${answer}")); c.Close() }
}`;

/** On port 8080, by one process or, with the argument `cluster`, by two. */
export const node = `
const cluster = require('node:cluster');
if (cluster.isPrimary && process.argv[2] === 'cluster') { cluster.fork(); cluster.fork(); }
else require('node:http').createServer((_, response) => response.end('hi')).listen(8080);
`;

/** On port 8080 of the address in its argument; with a second argument, in a process that multiprocessing starts. */
export const python = `
import http.server, multiprocessing, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "2"); self.end_headers(); self.wfile.write(b"hi")
    def log_message(self, *args): pass
def main():
    host = sys.argv[1]
    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        def server_bind(self):
            if host == "::": self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            super().server_bind()
    Server((host, 8080), Handler).serve_forever()
if __name__ == "__main__":
    if sys.argv[2:]:
        child = multiprocessing.get_context("spawn").Process(target=main); child.start(); child.join()
    else: main()
`;

/**
 * Tries as many times as its argument says to listen on all addresses, and to bind 127.77.77.77 or all addresses, while
 * threads change the address in memory and what its descriptors mean, and with the known ways around the filter. Prints
 * how often it succeeded.
 */
export const hostile = `
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <pthread.h>
#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>
static union { struct sockaddr_in in; char bytes[128]; } shared;
static volatile int victim = -1, decoy = -1, slot = -1, over;
static void *flip(void *_) {
  while (!over) { shared.in.sin_addr.s_addr = 0; shared.in.sin_addr.s_addr = htonl(0x7f4d4d4d); }
  return 0;
}
static void *swap(void *_) {
  while (!over) { if (slot >= 0) { dup2(decoy, slot); dup2(victim, slot); } }
  return 0;
}
static int outside(int s) {
  struct sockaddr_in a; socklen_t n = sizeof a; int listens = 0, m = sizeof listens;
  getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &listens, (socklen_t *)&m);
  getsockname(s, (struct sockaddr *)&a, &n);
  return listens && (ntohl(a.sin_addr.s_addr) >> 24) != 127;
}
static int unchecked(int s, int asked) {
  struct sockaddr_in a = {0}; socklen_t n = sizeof a;
  getsockname(s, (struct sockaddr *)&a, &n);
  unsigned host = ntohl(a.sin_addr.s_addr);
  return host == 0x7f4d4d4d || (asked && a.sin_port && host == 0);
}
int main(int n, char **arguments) {
  int tries = atoi(arguments[1]), escapes = 0, bound = 0, kept = 0;
  pthread_t a, b, c;
  shared.in.sin_family = AF_INET;
  pthread_create(&a, 0, flip, 0); pthread_create(&b, 0, flip, 0); pthread_create(&c, 0, swap, 0);
  for (int i = 0; i < tries; i++) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    int other = socket(i % 2 ? AF_INET : AF_UNIX, SOCK_DGRAM, 0);
    shared.in.sin_port = i % 3 ? 0 : htons(20000 + i);
    if (i % 4 > 1) { victim = s; decoy = other; slot = fcntl(s, F_DUPFD, 100); }
    int used = i % 4 > 1 ? slot : s;
    bind(used, (struct sockaddr *)&shared.in, i % 5 ? sizeof shared.in : 110);
    bound += unchecked(s, shared.in.sin_port);
    listen(used, 1);
    escapes += outside(s);
    if (i % 7 == 0) listen(s, 1);
    escapes += outside(s);
    int listens = 0; socklen_t m = sizeof listens;
    getsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &listens, &m);
    kept += listens;
    if (slot >= 0) { int old = slot; slot = -1; usleep(50); close(old); }
    close(s); close(other);
  }
  over = 1;
  pthread_join(a, 0); pthread_join(b, 0); pthread_join(c, 0);
  struct sockaddr_in any = { AF_INET };
  int s = socket(AF_INET, SOCK_STREAM, 0);
#ifdef __x86_64__
  unsigned *words = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  words[0] = s; words[1] = 1; long got;
  __asm__ volatile("int $0x80" : "=a"(got) : "a"(102), "b"(4), "c"((unsigned)(long)words) : "memory");
  __asm__ volatile("int $0x80" : "=a"(got) : "a"(363), "b"(s), "c"(1) : "memory");
  syscall(0x40000000 + SYS_listen, s, 1);
  escapes += outside(s);
#endif
  struct io_uring_params ring = {0};
  escapes += syscall(SYS_io_uring_setup, 4, &ring) >= 0;
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  bind(s, (struct sockaddr *)&any, sizeof any); listen(s, 1);
  escapes += outside(s);
  printf("escapes %d unchecked %d kept %d\\n", escapes, bound, kept > 0);
  return 0;
}`;
