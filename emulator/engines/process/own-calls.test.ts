import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { runnerSources } from './testing/runners.ts';

/**
 * A process whose runner has no address of its own, as on macOS: a server on the real port behind the declared one, and
 * clients in this process and in another one. Prints whether each client counts as the process's own.
 */
const program = `
import json, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
import boot
boot.make_package()
from minifal_runner.inside.network import Network, install
from minifal_runner.shared.addresses import Addresses

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
real = server.getsockname()[1]
declared = 8080
network = Network(Addresses("127.0.0.1", "::1", {declared: real}, real))
install(network)
seen = {}

def served(name):
    connection, peer = server.accept()
    seen[name] = network.is_own_call(peer)
    return connection, peer

for name, port in (("declared", declared), ("real", real)):
    with socket.create_connection(("127.0.0.1", port)) as client:
        _, peer = served(name)
    seen[name + ", closed"] = network.is_own_call(peer)

bound = socket.socket()
bound.bind(("127.0.0.1", 0))
bound.connect(("127.0.0.1", declared))
served("bound before")

other = "import socket; s = socket.create_connection(('127.0.0.1', %d)); s.recv(1)" % real
child = subprocess.Popen([sys.executable, "-c", other])
connection, peer = served("another process")
seen["its port with another address"] = network.is_own_call(("127.0.0.2", bound.getsockname()[1]))
connection.close()
child.wait()
print(json.dumps(seen))
`;

it("a runner without an address of its own recognizes its process's calls to itself while they are open", () => {
  const output = execFileSync('python3', ['-c', program, runnerSources], { encoding: 'utf8', timeout: 20_000 });
  expect(JSON.parse(output)).toEqual({
    declared: true,
    'declared, closed': false,
    real: true,
    'real, closed': false,
    'bound before': true,
    'another process': false,
    'its port with another address': false,
  });
});
