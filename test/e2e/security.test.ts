/** Who reaches what: sockets, web pages, hosts, keys and secrets. The parts share one emulator. */
import './security/network.ts';
import './security/hosts.ts';
import './security/secrets.ts';
